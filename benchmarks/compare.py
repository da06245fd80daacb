"""Gavel and its peers on the same scoring and decoding work, taking turns in one run.

    python3 benchmarks/compare.py --shape smollm2-135m
    python3 benchmarks/compare.py --model DIR --peers ctranslate2,llama-cpp:q8_0 --parts score,decode

Installs the peers under benchmarks/target, prints tables and writes everything to
benchmarks/results/. Needs the standard library only.
"""

import argparse
import json
import pathlib

import decoding
import machine
import rounds
import scoring
from field import Field, add_arguments, model_directory
from shapes import SHAPES, Shape

PARTS = "score", "decode", "item-first"


def parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    what = parser.add_mutually_exclusive_group(required=True)
    what.add_argument("--shape", choices=SHAPES, help="random weights")
    what.add_argument("--model", type=pathlib.Path, help="a model directory")
    parser.add_argument("--parts", default=",".join(PARTS), help="default: " + ",".join(PARTS))
    parser.add_argument("--prefix", type=int, default=96)
    parser.add_argument("--item-tokens", type=int, default=64)
    parser.add_argument("--requests", type=int, default=7, help="of the scoring part, for each engine")
    parser.add_argument("--decode-tokens", type=int, default=64)
    parser.add_argument("--rounds", type=int, default=3, help="of the other parts")
    parser.add_argument("--query-tokens", type=int, default=10, help="of the item-first part")
    add_arguments(parser)
    rounds.add_arguments(parser)
    arguments = parser.parse_args()
    unknown = set(arguments.parts.split(",")) - set(PARTS)
    if unknown:
        parser.error(f"--parts: expected some of {', '.join(PARTS)}, found {', '.join(sorted(unknown))}")
    if arguments.device == "cpu" and not arguments.quantization:
        arguments.quantization = "int8"
    return arguments


def measure(arguments, field: Field, config: dict) -> dict:
    parts, asked = {}, arguments.parts.split(",")
    vocabulary = config["vocab_size"]
    if "score" in asked:
        work = scoring.Work(arguments.prefix, arguments.items, arguments.item_tokens, vocabulary)
        parts["score"] = scoring.measure(field, Shape.of(config), work, arguments.requests)
        print(scoring.text(parts["score"], arguments.items), flush=True)
    if "decode" in asked:
        parts["decode"] = decoding.measure_decode(
            field, vocabulary, arguments.decode_tokens, arguments.rounds)
        print("\n" + decoding.decode_text(parts["decode"]), flush=True)
    if "item-first" in asked:
        orders = decoding.measure_orders(field, arguments.query_tokens, arguments.rounds)
        if orders:
            parts["item-first"] = orders
            print("\n" + decoding.orders_text(orders), flush=True)
    return parts


def main():
    arguments = parse()
    if not arguments.jemalloc:
        rounds.progress("no jemalloc found (Debian: libjemalloc2): on a virtual machine the peers "
                        "lose much time in page faults without it")
    hardware = machine.describe(arguments.device)
    model = model_directory(arguments)
    config = json.loads((model / "config.json").read_text())
    field = Field(arguments, model)
    try:
        field.start()
        parts = measure(arguments, field, config)
    finally:
        field.close()
    for name, reason in field.skipped.items():
        print(f"skipped: {name}: {reason}")
    how = arguments.quantization or arguments.device.replace(":", "-")
    print(rounds.save(arguments, "peers", f"{model.name}-{how}", hardware,
                      engines=field.about, skipped=field.skipped, **parts))


if __name__ == "__main__":
    main()
