"""Scores a few products for a query, with a deadline, and prints every item's own outcome.

    python examples/score.py unix:/tmp/gavel.sock "waterproof hiking boots"
    python examples/score.py localhost:7070 "waterproof hiking boots" --timeout 2
"""

import argparse
import sys

from gavel_client import Attribute, Client, GavelError, Item, Tier, distribution, ok

PRODUCTS = [
    Item(id="b1", title="Ridgeway mid hiking boot, waterproof membrane, brown",
         attributes=[Attribute(name="brand", value="Ridgeway"),
                     Attribute(name="season", value="all year")]),
    Item(id="b2", title="Waterproofing spray for leather and suede, 250 ml"),
    Item(id="b3", title="Kids' rain boots with dinosaur print"),
    Item(id="b4", title="Stainless steel garlic press"),
    Item(id="b5"),  # a product without a text: its status says so, the others are judged
]


def show(product: Item, judged) -> str:
    if not ok(judged):
        return f"{product.id}  not judged: {judged.status.message}"
    shares = "  ".join(f"{label} {share:.2f}" for label, share in distribution(judged).items())
    cut = f"  ({judged.truncated_tokens} tokens cut)" if judged.truncated_tokens else ""
    return f"{product.id}  {Tier.Name(judged.tier):4}  {shares}  {product.title}{cut}"


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("target", help="unix:/path or host:port")
    parser.add_argument("query")
    parser.add_argument("--timeout", type=float, default=5.0, help="seconds, retries included")
    arguments = parser.parse_args()
    with Client(arguments.target) as gavel:
        try:
            answer = gavel.score(arguments.query, PRODUCTS, timeout=arguments.timeout)
        except GavelError as error:
            sys.exit(f"{error} {error.violations or ''}")
        for product, judged in zip(PRODUCTS, answer.items):
            print(show(product, judged))
        print(f"by {answer.model.name} {answer.model.version}, {answer.model.quantization}")


if __name__ == "__main__":
    main()
