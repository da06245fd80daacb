"""Gavel and its peers on the same scoring work, in alternating rounds of one run.

    benchmarks/peers/setup.sh DIR
    python3 benchmarks/compare.py --python DIR/bin/python --shape smollm2-135m \
        --prefix 96 --items 48 --item-tokens 64 --requests 5

Prints a table and writes everything to benchmarks/results/. Needs the standard library only; the
peers run in their own interpreter.
"""

import argparse
import json
import os
import pathlib
import statistics
import subprocess
import sys

import machine
from shapes import SHAPES, Shape

HERE = pathlib.Path(__file__).resolve().parent


class Gavel:
    """`./gavel bench score`, one process a round."""

    name = "gavel"

    def __init__(self, arguments):
        source = ["--model", arguments.model] if arguments.model else ["--shape", arguments.shape]
        self.command = [str(arguments.gavel), "bench", "score", *source,
                        "--prefix", arguments.prefix, "--items", arguments.items,
                        "--item-tokens", arguments.item_tokens, "--threads", arguments.threads,
                        "--quantization", arguments.quantization, "--json"]
        self.name = f"gavel {arguments.quantization}"
        shown = (pathlib.Path(arguments.model).name if part == arguments.model else str(part)
                 for part in self.command[1:])
        self.about = {"command": " ".join(shown)}
        self.ceilings = []

    def round(self, requests: int, seed: int) -> float:
        """Median seconds of a request."""
        command = [*map(str, self.command), "--requests", str(requests)]
        run = subprocess.run(command, capture_output=True, text=True)
        if run.returncode:
            raise SystemExit(f"{' '.join(command)}: status {run.returncode}: {run.stderr.strip()}")
        answer = json.loads(run.stdout)
        self.ceilings.append(answer["gemm_ceiling"])
        return answer["seconds"]["median"]

    def close(self):
        pass


class Peer:
    """peers/transformers_shared.py, kept running between rounds and idle while others run."""

    def __init__(self, arguments, dtype: str):
        self.name = f"transformers {dtype}"
        source = ["--model", arguments.model] if arguments.model else ["--shape", arguments.shape]
        command = [arguments.python, HERE / "peers/transformers_shared.py", *source, "--dtype", dtype,
                   "--threads", arguments.threads, "--prefix", arguments.prefix,
                   "--items", arguments.items, "--item-tokens", arguments.item_tokens]
        environment = dict(os.environ)
        if arguments.jemalloc:  # without it a virtual machine loses much time in page faults
            environment |= {"LD_PRELOAD": arguments.jemalloc,
                            "MALLOC_CONF": "dirty_decay_ms:-1,muzzy_decay_ms:-1"}
        self.process = subprocess.Popen(list(map(str, command)), env=environment, text=True,
                                        stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        self.about = self._read() | {"allocator": "jemalloc" if arguments.jemalloc else "default"}

    def _read(self) -> dict:
        line = self.process.stdout.readline()
        if not line:
            raise SystemExit(f"{self.name}: ended with status {self.process.wait()}")
        return json.loads(line)

    def round(self, requests: int, seed: int) -> float:
        self.process.stdin.write(json.dumps({"requests": requests, "seed": seed}) + "\n")
        self.process.stdin.flush()
        return statistics.median(self._read()["seconds"])

    def close(self):
        self.process.stdin.close()
        self.process.wait()


def measure(arguments) -> tuple[list, list[dict[str, float]]]:
    """The runners, and per round each one's median seconds of a request."""
    runners = [Gavel(arguments)]
    try:
        runners += [Peer(arguments, dtype) for dtype in arguments.peers.split(",")]
        rounds = []
        for number in range(arguments.rounds):
            # The order turns, so that no one always runs on the warmer machine.
            order = runners[number % len(runners):] + runners[:number % len(runners)]
            rounds.append({r.name: r.round(arguments.requests, 1000 + number) for r in order})
            shown = "  ".join(f"{r.name} {arguments.items / rounds[-1][r.name]:.1f}" for r in runners)
            print(f"round {number + 1}: {shown} pairs/s", file=sys.stderr)
        return runners, rounds
    finally:
        for runner in runners:
            runner.close()


def shape_of(arguments) -> Shape:
    if arguments.model:
        return Shape.of(json.loads((pathlib.Path(arguments.model) / "config.json").read_text()))
    return SHAPES[arguments.shape]


def summarize(arguments, runners, rounds) -> dict:
    gavel = runners[0]
    ceiling = statistics.median(c["value"] for c in gavel.ceilings)
    operations = shape_of(arguments).operations(arguments.prefix, arguments.items, arguments.item_tokens)
    rows = {}
    for runner in runners:
        seconds = statistics.median(r[runner.name] for r in rounds)
        ratios = [r[runner.name] / r[gavel.name] for r in rounds]
        rows[runner.name] = {
            "pairs_per_second": arguments.items / seconds,
            "giga_operations_per_second": operations / seconds * 1e-9,
            "fraction_of_ceiling": operations / seconds * 1e-9 / ceiling,
            "gavel_is_faster_by": statistics.median(ratios),
            "gavel_is_faster_by_rounds": [min(ratios), max(ratios)],
        }
    return {"giga_operations_per_request": operations * 1e-9,
            "ceiling": gavel.ceilings[0] | {"value": ceiling}, "engines": rows}


def show(summary: dict):
    ceiling = summary["ceiling"]
    print(f"{summary['giga_operations_per_request']:.0f} G operations a request; "
          f"ceiling {ceiling['value']:.0f} {ceiling['unit']}")
    print(f"{'engine':22}{'pairs/s':>9}{'G op/s':>9}{'of ceiling':>12}{'gavel is faster by':>26}")
    for name, row in summary["engines"].items():
        low, high = row["gavel_is_faster_by_rounds"]
        print(f"{name:22}{row['pairs_per_second']:9.1f}{row['giga_operations_per_second']:9.0f}"
              f"{row['fraction_of_ceiling']:12.0%}"
              f"{row['gavel_is_faster_by']:10.2f} ({low:.2f} to {high:.2f})")


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    what = parser.add_mutually_exclusive_group(required=True)
    what.add_argument("--shape", choices=SHAPES)
    what.add_argument("--model", help="a model directory")
    parser.add_argument("--prefix", type=int, default=96)
    parser.add_argument("--items", type=int, default=48)
    parser.add_argument("--item-tokens", type=int, default=64)
    parser.add_argument("--requests", type=int, default=5, help="per engine and round")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--threads", type=int, default=len(os.sched_getaffinity(0)))
    parser.add_argument("--quantization", choices=["fp32", "int8"], default="fp32")
    parser.add_argument("--peers", default="fp32,bf16", help="element types of the Transformers peers")
    parser.add_argument("--python", default=sys.executable, help="interpreter of the peers")
    parser.add_argument("--jemalloc", help="libjemalloc.so.2, preloaded into the peers")
    parser.add_argument("--gavel", type=pathlib.Path, default=HERE.parent / "gavel")
    arguments = parser.parse_args()
    hardware = machine.describe()
    runners, rounds = measure(arguments)
    summary = summarize(arguments, runners, rounds)
    show(summary)
    setup = {name: str(value) for name, value in vars(arguments).items()
             if name not in ("python", "gavel", "model", "jemalloc")}
    setup["model"] = pathlib.Path(arguments.model).name if arguments.model else None
    result = {"hardware": hardware, "setup": setup, "engines": {r.name: r.about for r in runners},
              "summary": summary, "seconds_by_round": rounds}
    stamp = hardware["date"][:19].replace(":", "")
    file = HERE / "results" / f"score-{setup['model'] or arguments.shape}-{arguments.quantization}-{stamp}.json"
    file.parent.mkdir(exist_ok=True)
    file.write_text(json.dumps(result, indent=1) + "\n")
    print(file)


if __name__ == "__main__":
    main()
