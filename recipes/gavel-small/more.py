"""Draws near misses and pairs of the pool for the explaining stage; their grade is the most probable one."""

import argparse
import random

from common import read, write

SEED = 9


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--near-misses", required=True)
    parser.add_argument("--pool", required=True)
    parser.add_argument("--rows", type=int, default=2150, help="half of them near misses")
    parser.add_argument("--out", required=True)
    args = parser.parse_args()
    rng = random.Random(SEED)
    rows = rng.sample(read(args.near_misses), args.rows // 2)
    rows += rng.sample(read(args.pool), args.rows - args.rows // 2)
    write(args.out, [row | {"grade": 4 - row["distribution"].index(max(row["distribution"]))} for row in rows])


if __name__ == "__main__":
    main()
