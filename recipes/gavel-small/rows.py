"""Draws the rows that are explained, more even over the grades than the pool is, and parts files of rows."""

import argparse
import random

from common import read, write

EXPLAINED = {4: 6000, 3: 3400, 2: 5000, 1: 4600}
SEED = 11


def best(row):
    return 4 - row["distribution"].index(max(row["distribution"]))


def draw(args):
    """Rows get the grade that their distribution finds most probable, which the evidence then states."""
    rng = random.Random(SEED)
    rows = [row | {"grade": best(row)} for row in read(args.data)]
    rng.shuffle(rows)
    explained = [
        row for grade, most in EXPLAINED.items() for row in [r for r in rows if r["grade"] == grade][:most]
    ]
    chosen = {row["id"] for row in explained}
    rest = [row for row in rows if row["id"] not in chosen]
    rng.shuffle(rest)
    write(args.rest, rest)
    write(args.explained, explained)


def grade(args):
    write(args.out, [row | {"grade": best(row)} for row in read(args.data)])


def part(args):
    """Files of as many rows each, one behind the other; shuffled before if there is a seed."""
    rows = read(args.data)
    if args.seed is not None:
        random.Random(args.seed).shuffle(rows)
    begin = 0
    for path, count in zip(args.out, args.rows, strict=True):
        write(path, rows[begin : begin + count])
        begin += count


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    commands = parser.add_subparsers(required=True)
    for run, names in ((draw, ("data", "explained", "rest")), (grade, ("data", "out")), (part, ("data",))):
        command = commands.add_parser(run.__name__, description=run.__doc__)
        command.set_defaults(run=run)
        for name in names:
            command.add_argument(f"--{name}", required=True)
        if run is part:
            command.add_argument("--rows", type=int, nargs="+", required=True)
            command.add_argument("--out", nargs="+", required=True)
            command.add_argument("--seed", type=int)
    args = parser.parse_args()
    args.run(args)


if __name__ == "__main__":
    main()
