"""Streams the reasoning behind one judgment to the terminal.

    python examples/explain.py unix:/tmp/gavel.sock "waterproof hiking boots" "Kids' rain boots"
"""

import argparse
import sys

from gavel_client import (
    LABEL_FIRST,
    THINK_FIRST,
    Client,
    GavelError,
    Sampling,
    Tier,
    distribution,
)


def play(events, out=sys.stdout):
    """Prints events as they arrive; returns the last one."""
    final = None
    for event in events:
        match event.WhichOneof("event"):
            case "verdict":
                judged = event.verdict.item
                shares = {label: round(share, 3) for label, share in distribution(judged).items()}
                print(f"[{judged.label}, {Tier.Name(judged.tier)}] {shares}", file=out)
            case "token":
                print(event.token.text, end="", flush=True, file=out)
            case "sample_end":
                print(file=out)
            case "final":
                final = event.final
                print(f"\n{final.generated_tokens} tokens, seed {final.seed}", file=out)
    return final


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("target", help="unix:/path or host:port")
    parser.add_argument("query")
    parser.add_argument("item")
    parser.add_argument("--think-first", action="store_true")
    parser.add_argument("--samples", type=int, default=1)
    parser.add_argument("--temperature", type=float, default=0.0)
    parser.add_argument("--timeout", type=float, default=60.0)
    arguments = parser.parse_args()
    with Client(arguments.target) as gavel:
        try:
            play(gavel.explain(
                arguments.query, arguments.item, timeout=arguments.timeout,
                order=THINK_FIRST if arguments.think_first else LABEL_FIRST,
                samples=arguments.samples,
                sampling=Sampling(temperature=arguments.temperature)))
        except GavelError as error:
            sys.exit(f"\n{error}")
        except KeyboardInterrupt:
            print("\nstopped; so has the server")


if __name__ == "__main__":
    main()
