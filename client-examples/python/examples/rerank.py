"""Reranks a result page, and falls back to the engine's own order when Gavel cannot answer in time.

A search must never be slower than its deadline or fail because its judge did. So:
  - the call gets what the page can spare, retries included;
  - a busy, late or absent server leaves the page as it was;
  - an item that was not judged keeps its place.

    python examples/rerank.py unix:/tmp/gavel.sock "waterproof hiking boots" < titles.txt
"""

import argparse
import sys

import grpc
from gavel_client import Client, GavelError, ok

FALL_BACK = {
    grpc.StatusCode.DEADLINE_EXCEEDED,
    grpc.StatusCode.RESOURCE_EXHAUSTED,
    grpc.StatusCode.UNAVAILABLE,
    grpc.StatusCode.INTERNAL,
}


def rerank(gavel: Client, query: str, titles: list[str], timeout: float) -> tuple[list[str], bool]:
    """The titles, best expected grade first, and whether they were judged. Ties keep their order.
    Raises GavelError where the request itself is wrong: that is a bug to fix, not to hide."""
    try:
        judged = gavel.score(query, titles, timeout=timeout).items
    except GavelError as error:
        if error.code in FALL_BACK:
            return titles, False
        raise
    places = [place for place, item in enumerate(judged) if ok(item)]
    best_first = sorted(places, key=lambda place: -judged[place].expected_grade)
    page = list(titles)
    for place, source in zip(places, best_first):
        page[place] = titles[source]
    return page, True


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("target", help="unix:/path or host:port")
    parser.add_argument("query")
    parser.add_argument("--timeout", type=float, default=0.5, help="seconds, retries included")
    arguments = parser.parse_args()
    titles = [line.strip() for line in sys.stdin if line.strip()]
    with Client(arguments.target) as gavel:
        page, judged = rerank(gavel, arguments.query, titles, arguments.timeout)
    print("# judged" if judged else "# fall-back: the order as it came")
    print("\n".join(page))


if __name__ == "__main__":
    main()
