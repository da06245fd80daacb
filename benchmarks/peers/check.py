"""Whether every peer computes the right thing: label probabilities against Transformers fp32.

    python3 benchmarks/peers/check.py [--peers NAME,...]

Requests of awkward sizes on a small model of random weights. A change beyond the tolerance of the
peer's precision (catalog.py) is a fault of its script, and the exit code is 1.
"""

import argparse
import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))
import rounds  # noqa: E402
from field import Field, add_arguments, model_directory  # noqa: E402
from peers.catalog import KINDS, REFERENCE  # noqa: E402
from scoring import Work, fidelity  # noqa: E402

SHAPE, VOCABULARY = "small-12m", 8192
SIZES = (1, 3, 1), (13, 5, 7), (40, 1, 31), (97, 13, 64)  # prefix, items, item tokens
GAVEL = {"fp32": 1e-5, "int8": 0.03}


def tolerance(name: str) -> float:
    engine, variant = name.split(" ")
    known = GAVEL if engine == "gavel" else KINDS[engine].variants
    return known.get(variant, 0.03)


def check(field: Field) -> bool:
    true = None
    fine = not field.skipped
    first = " ".join(REFERENCE)
    for engine in sorted(field.engines, key=lambda engine: engine.name != first):
        try:
            answers = [engine.ask(op="score", **Work(*size, VOCABULARY).request(seed))
                       for seed, size in enumerate(SIZES)]
        except rounds.EngineError as error:
            print(f"{engine.name}: {error}")
            fine = False
            continue
        true = true or answers
        found = fidelity(answers, true)
        print(f"{engine.name}: largest change of a label probability {found['largest_change']:.1e} "
              f"(at most {tolerance(engine.name):.0e}), same best label on {found['same_best_label']} "
              f"of {found['of']}")
        fine &= found["largest_change"] <= tolerance(engine.name)
    return fine


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    add_arguments(parser)
    rounds.add_arguments(parser)
    parser.set_defaults(model=None, shape=SHAPE, quantization="int8")
    arguments = parser.parse_args()
    if ":".join(REFERENCE) not in arguments.peers and REFERENCE[0] not in arguments.peers.split(","):
        arguments.peers = ":".join(REFERENCE) + "," + arguments.peers
    field = Field(arguments, model_directory(arguments))
    try:
        field.start()
        fine = check(field)
    finally:
        field.close()
    sys.exit(0 if fine else 1)


if __name__ == "__main__":
    main()
