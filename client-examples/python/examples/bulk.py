"""Judges many queries over one stream and writes one JSON line per judged item.

    python examples/bulk.py unix:/tmp/gavel.sock < pairs.jsonl > judged.jsonl

A line of the input is {"query": "...", "items": ["...", ...]}. It is read only as fast as the server
takes it, so the file may be of any size.
"""

import argparse
import json
import sys

from gavel_client import Client, Item, ScoreRequest, distribution, ok


def requests(lines):
    for number, line in enumerate(lines):
        pair = json.loads(line)
        yield ScoreRequest(request_id=str(number), query=pair["query"],
                           items=[Item(text=text) for text in pair["items"]])


def rows(answer):
    if answer.status.code:
        yield {"request": answer.request_id, "error": answer.status.message}
        return
    for place, item in enumerate(answer.items):
        row = {"request": answer.request_id, "item": place}
        if ok(item):
            yield row | {"label": item.label, "distribution": distribution(item)}
        else:
            yield row | {"error": item.status.message}


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("target", help="unix:/path or host:port")
    arguments = parser.parse_args()
    with Client(arguments.target) as gavel:
        for answer in gavel.score_stream(requests(sys.stdin)):
            for row in rows(answer):
                print(json.dumps(row, ensure_ascii=False))


if __name__ == "__main__":
    main()
