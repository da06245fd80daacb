"""Gavel's training and PyTorch's on the same steps, in alternating rounds of one run.

    python3 benchmarks/train/compare.py --shape small-52m --dtype bf16

Installs PyTorch under benchmarks/target, prints a table and writes everything to
benchmarks/results/. Needs the standard library only.
"""

import argparse
import pathlib
import statistics
import sys

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent))
import machine  # noqa: E402
import rounds  # noqa: E402
from peers.catalog import KINDS  # noqa: E402
from peers.setup import interpreter  # noqa: E402
from rounds import Engine, EngineError, in_turn, output_of, progress, shown, spread, table  # noqa: E402
from shapes import SHAPES  # noqa: E402

RATES = ("tokens_per_second", "tokens_per_cpu_second")
BATCH = ("sequences", "shortest", "longest", "threads")


def batch_flags(arguments) -> list[str]:
    return [part for name in BATCH for part in (f"--{name}", str(getattr(arguments, name)))]


class Gavel:
    """`./gavel bench train`, one process a round."""

    name = "gavel"

    def __init__(self, arguments):
        self.command = [arguments.gavel, "bench", "train", "--shape", arguments.shape,
                        "--precision", arguments.dtype.upper(), *batch_flags(arguments),
                        "--warm-up", arguments.warm_up, "--json"]
        self.about = {"command": " ".join(map(str, self.command[1:]))}

    def round(self, steps: int, seed: int) -> dict[str, float]:
        """Median real tokens per second, of the clock and of the CPU."""
        answer = output_of([*self.command, "--steps", steps, "--seed", seed])
        return {rate: answer[rate] for rate in RATES}

    def close(self):
        pass


class Peer(Engine):
    """peer.py."""

    def __init__(self, arguments, kind: str):
        super().__init__(kind, [
            interpreter(KINDS["transformers"]), HERE / "peer.py", "--kind", kind,
            "--shape", arguments.shape, "--dtype", arguments.dtype, *batch_flags(arguments),
            "--warm-up", arguments.warm_up], allocator=arguments.jemalloc)

    def round(self, steps: int, seed: int) -> dict[str, float]:
        answer = self.ask(steps=steps, seed=seed)
        return {rate: statistics.median(answer[rate]) for rate in RATES}


def measure(arguments) -> tuple[list, list[dict]]:
    """The engines, and per round each one's rates."""
    engines = [Gavel(arguments)]
    try:
        engines += [Peer(arguments, kind) for kind in arguments.peers.split(",")]
        found = [{} for _ in range(arguments.rounds)]
        for number, engine in in_turn(engines, arguments.rounds):
            rates = found[number][engine.name] = engine.round(arguments.steps, 1000 + number)
            progress(f"round {number + 1}: {engine.name} {rates[RATES[0]]:.0f} tokens/s, "
                     f"{rates[RATES[1]]:.0f} per CPU second")
        return engines, found
    finally:
        for engine in engines:
            engine.close()


def summarize(engines: list, found: list[dict]) -> dict:
    """For every engine and rate: its median, and by how much Gavel's is higher."""
    return {engine.name: {rate: {
        "median": statistics.median(r[engine.name][rate] for r in found),
        "gavel_is_faster_by": spread([r[Gavel.name][rate] / r[engine.name][rate] for r in found]),
    } for rate in RATES} for engine in engines}


def text(summary: dict) -> str:
    heads = ["engine"] + [head for rate in RATES for head in (rate, "gavel is faster by")]
    return table(heads, [
        [name] + [cell for rate in RATES for cell in (
            f"{row[rate]['median']:.0f}", shown(row[rate]["gavel_is_faster_by"]))]
        for name, row in summary.items()])


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
    parser.add_argument("--peers", default="transformers,lean")
    rounds.add_arguments(parser)
    arguments = parser.parse_args()
    hardware = machine.describe()
    try:
        engines, found = measure(arguments)
    except EngineError as error:
        raise SystemExit(f"cannot compare: {error}")
    summary = summarize(engines, found)
    print(text(summary))
    print(rounds.save(arguments, "train", f"{arguments.shape}-{arguments.dtype}", hardware,
                      engines={engine.name: engine.about for engine in engines},
                      summary=summary, rates_by_round=found))


if __name__ == "__main__":
    main()
