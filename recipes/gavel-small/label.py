"""Adds the teacher's distribution over the grades, best first, to pairs."""

import argparse

import torch
from common import CrossEncoder, encode, read, write


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--teacher", required=True)
    parser.add_argument("--data", required=True)
    parser.add_argument("--out", required=True)
    parser.add_argument("--judged", type=float, default=0, help="share of the judged grade in the distribution")
    args = parser.parse_args()
    model = CrossEncoder()
    model.load_state_dict(torch.load(args.teacher))
    rows = read(args.data)
    out = []
    for row, worst_first in zip(rows, model.probabilities(encode(rows)).tolist()):
        if args.judged:
            judged = [float(row["grade"] == grade) for grade in (1, 2, 3, 4)]
            worst_first = [args.judged * j + (1 - args.judged) * p for j, p in zip(judged, worst_first)]
        rest = [round(p, 4) for p in worst_first[2::-1]]
        kept = {key: row[key] for key in ("id", "query", "title", "grade") if key in row}
        out.append(kept | {"distribution": [round(max(0, 1 - sum(rest)), 4)] + rest})
    write(args.out, out)


if __name__ == "__main__":
    main()
