"""Gavel's training and PyTorch's on the same steps, in alternating rounds of one run.

    python3 benchmarks/train/compare.py --python DIR/bin/python --shape small-52m --dtype bf16

Prints a table and writes everything to benchmarks/results/. Needs the standard library only; the
peers run in their own interpreter (benchmarks/peers/setup.sh).
"""

import argparse
import json
import os
import pathlib
import statistics
import subprocess
import sys

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent))
import machine  # noqa: E402
from shapes import SHAPES  # noqa: E402

RATES = ("tokens_per_second", "tokens_per_cpu_second")
BATCH = ("sequences", "shortest", "longest", "threads")


def batch_flags(arguments) -> list[str]:
    return [part for name in BATCH for part in (f"--{name}", str(getattr(arguments, name)))]


class Gavel:
    """`./gavel bench train`, one process a round."""

    name = "gavel"

    def __init__(self, arguments):
        self.command = [str(arguments.gavel), "bench", "train", "--shape", arguments.shape,
                        "--precision", arguments.dtype.upper(), *batch_flags(arguments),
                        "--warm-up", str(arguments.warm_up), "--json"]
        self.about = {"command": " ".join(self.command[1:])}

    def round(self, steps: int, seed: int) -> dict[str, float]:
        """Median real tokens per second, of the clock and of the CPU."""
        command = [*self.command, "--steps", str(steps), "--seed", str(seed)]
        run = subprocess.run(command, capture_output=True, text=True)
        if run.returncode:
            raise SystemExit(f"{' '.join(command)}: status {run.returncode}: {run.stderr.strip()}")
        answer = json.loads(run.stdout)
        return {rate: answer[rate] for rate in RATES}

    def close(self):
        pass


class Peer:
    """peer.py, kept running between rounds and idle while others run."""

    def __init__(self, arguments, kind: str):
        self.name = kind
        command = [arguments.python, HERE / "peer.py", "--kind", kind, "--shape", arguments.shape,
                   "--dtype", arguments.dtype, *batch_flags(arguments), "--warm-up", arguments.warm_up]
        environment = dict(os.environ)
        if arguments.jemalloc:  # with the system's allocator they lose time in page faults
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

    def round(self, steps: int, seed: int) -> dict[str, float]:
        self.process.stdin.write(json.dumps({"steps": steps, "seed": seed}) + "\n")
        self.process.stdin.flush()
        answer = self._read()
        return {rate: statistics.median(answer[rate]) for rate in RATES}

    def close(self):
        self.process.stdin.close()
        self.process.wait()


def measure(arguments) -> tuple[list, list[dict]]:
    """The runners, and per round each one's rates."""
    runners = [Gavel(arguments)]
    try:
        runners += [Peer(arguments, kind) for kind in arguments.peers.split(",")]
        rounds = []
        for number in range(arguments.rounds):
            # The order turns, so that no one always runs on the warmer machine.
            order = runners[number % len(runners):] + runners[:number % len(runners)]
            rounds.append({r.name: r.round(arguments.steps, 1000 + number) for r in order})
            shown = "  ".join(f"{r.name} {rounds[-1][r.name][RATES[0]]:.0f} ({rounds[-1][r.name][RATES[1]]:.0f})" for r in runners)
            print(f"round {number + 1}: {shown} tokens/s (per CPU second)", file=sys.stderr)
        return runners, rounds
    finally:
        for runner in runners:
            runner.close()


def summarize(runners, rounds) -> dict:
    """For every engine and rate: its median, and Gavel's over it with the range over rounds."""
    rows = {}
    for runner in runners:
        rows[runner.name] = {}
        for rate in RATES:
            ratios = [r["gavel"][rate] / r[runner.name][rate] for r in rounds]
            rows[runner.name][rate] = {
                "median": statistics.median(r[runner.name][rate] for r in rounds),
                "gavel_is_faster_by": statistics.median(ratios),
                "gavel_is_faster_by_rounds": [min(ratios), max(ratios)],
            }
    return rows


def show(summary: dict):
    print(f"{'engine':16}" + "".join(f"{rate:>24}{'gavel is faster by':>24}" for rate in RATES))
    for name, row in summary.items():
        cells = []
        for rate in RATES:
            low, high = row[rate]["gavel_is_faster_by_rounds"]
            ratio = f"{row[rate]['gavel_is_faster_by']:.2f} ({low:.2f} to {high:.2f})"
            cells.append(f"{row[rate]['median']:24.0f}{ratio:>24}")
        print(f"{name:16}" + "".join(cells))


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--shape", choices=SHAPES, default="small-52m")
    parser.add_argument("--dtype", choices=["fp32", "bf16"], default="bf16")
    parser.add_argument("--sequences", type=int, default=48)
    parser.add_argument("--shortest", type=int, default=20)
    parser.add_argument("--longest", type=int, default=40)
    parser.add_argument("--steps", type=int, default=5, help="timed, per engine and round")
    parser.add_argument("--warm-up", type=int, default=2)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--threads", type=int, default=len(os.sched_getaffinity(0)))
    parser.add_argument("--peers", default="transformers,lean")
    parser.add_argument("--python", default=sys.executable, help="interpreter of the peers")
    parser.add_argument("--jemalloc", help="libjemalloc.so.2, preloaded into the peers")
    parser.add_argument("--gavel", type=pathlib.Path, default=HERE.parents[1] / "gavel")
    arguments = parser.parse_args()
    hardware = machine.describe()
    runners, rounds = measure(arguments)
    summary = summarize(runners, rounds)
    show(summary)
    setup = {name: value for name, value in vars(arguments).items()
             if name not in ("python", "gavel", "jemalloc")}
    result = {"hardware": hardware, "setup": setup, "engines": {r.name: r.about for r in runners},
              "summary": summary, "rates_by_round": rounds}
    stamp = hardware["date"][:19].replace(":", "")
    file = HERE.parent / "results" / f"train-{arguments.shape}-{arguments.dtype}-{stamp}.json"
    file.parent.mkdir(exist_ok=True)
    file.write_text(json.dumps(result, indent=1) + "\n")
    print(file)


if __name__ == "__main__":
    main()
