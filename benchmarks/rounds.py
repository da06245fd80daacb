"""What every comparison here shares: engines that take turns, and what is said about their figures."""

import json
import os
import pathlib
import queue
import statistics
import subprocess
import sys
import threading
import time

import machine

HERE = pathlib.Path(__file__).resolve().parent
BUILD = HERE / "target"
"""Environments, models and logs; not in the repository."""

KEEP_PAGES = "dirty_decay_ms:-1,muzzy_decay_ms:-1"
PAUSE_SECONDS = 0.3  # until the threads of the engine before have stopped spinning


class EngineError(Exception):
    """An engine that cannot go on; the message is one line."""


class Engine:
    """A process that answers lines of JSON on standard input by lines on standard output.

    It is kept between rounds and idle while others run. Its first line is {"about": {...}}; an
    answer {"error": "..."} becomes an EngineError.
    """

    def __init__(self, name: str, command: list, environment: dict[str, str] | None = None,
                 allocator: str | None = None, start_seconds: float = 600):
        self.name = name
        BUILD.joinpath("logs").mkdir(parents=True, exist_ok=True)
        self.log = BUILD / "logs" / f"{name.replace(' ', '-')}.log"
        preload = {"LD_PRELOAD": allocator, "MALLOC_CONF": KEEP_PAGES} if allocator else {}
        with open(self.log, "w") as log:
            self.process = subprocess.Popen(
                list(map(str, command)), env=os.environ | preload | (environment or {}), text=True,
                stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=log)
        self.lines: queue.SimpleQueue[str] = queue.SimpleQueue()
        threading.Thread(target=self._read, daemon=True).start()
        self.about = self._answer(start_seconds)["about"]
        self.about |= {"allocator": "jemalloc" if allocator else "default"}

    def ask(self, seconds: float = 300, **order) -> dict:
        try:
            self.process.stdin.write(json.dumps(order) + "\n")
            self.process.stdin.flush()
        except BrokenPipeError:
            pass  # the answer, or its absence, says why
        return self._answer(seconds)

    def close(self):
        """Ends the process; one that does not listen is killed."""
        try:
            self.process.stdin.close()
        except BrokenPipeError:
            pass
        try:
            self.process.wait(10)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()

    def _read(self):
        for line in self.process.stdout:
            self.lines.put(line)
        self.lines.put("")

    def _answer(self, seconds: float) -> dict:
        try:
            line = self.lines.get(timeout=seconds)
        except queue.Empty:
            self.process.kill()
            raise EngineError(f"no answer within {seconds:.0f} s") from None
        if not line:
            last = self.log.read_text().strip().splitlines()[-1:]
            raise EngineError(f"ended with status {self.process.wait()}: {''.join(last)[:300]}")
        answer = json.loads(line)
        if "error" in answer:
            raise EngineError(answer["error"])
        return answer


def in_turn(engines: list, rounds: int):
    """Yields every engine once a round, with the round's number. Each round begins with another
    engine, so that no one always runs on the warmer machine."""
    for number in range(rounds):
        first = number % len(engines)
        for engine in engines[first:] + engines[:first]:
            time.sleep(PAUSE_SECONDS)
            yield number, engine


def output_of(command: list) -> dict:
    """The JSON object that a command prints as its last line."""
    run = subprocess.run(list(map(str, command)), capture_output=True, text=True)
    if run.returncode:
        said = (run.stderr.strip() or run.stdout.strip()).splitlines()[:1]
        raise EngineError(f"status {run.returncode}: {''.join(said)[:300]}")
    return json.loads(run.stdout.strip().splitlines()[-1])


def spread(ratios: list[float]) -> dict:
    """Median and range of ratios, one of each round."""
    return {"median": statistics.median(ratios), "low": min(ratios), "high": max(ratios)}


def shown(ratio: dict) -> str:
    return f"{ratio['median']:.2f} ({ratio['low']:.2f} to {ratio['high']:.2f})"


def table(heads: list[str], rows: list[list[str]]) -> str:
    """The first column at the left, the others at the right."""
    widths = [max(map(len, column)) for column in zip(heads, *rows)]
    lines = []
    for row in [heads, *rows]:
        cells = [cell.rjust(width) for cell, width in zip(row, widths)]
        lines.append("  ".join([row[0].ljust(widths[0]), *cells[1:]]).rstrip())
    return "\n".join(lines)


def progress(message: str):
    print(message, file=sys.stderr, flush=True)


def add_arguments(parser):
    """Arguments of every comparison."""
    parser.add_argument("--threads", type=int, default=len(os.sched_getaffinity(0)))
    parser.add_argument("--jemalloc", default=machine.jemalloc(),
                        help="library preloaded into the peers; default: the system's, if there is one")
    parser.add_argument("--gavel", type=pathlib.Path, default=HERE.parent / "gavel")
    parser.add_argument("--results", type=pathlib.Path, default=HERE / "results")


def save(arguments, kind: str, what: str, hardware: dict, **parts) -> pathlib.Path:
    """Writes one result: what was measured, on what, and how. Paths of this machine stay out."""
    setup = {name: pathlib.Path(value).name if name == "model" and value else value
             for name, value in vars(arguments).items()
             if name not in ("gavel", "jemalloc", "python", "results")}
    stamp = hardware["date"][:19].replace(":", "")
    file = arguments.results / f"{kind}-{what}-{stamp}.json"
    file.parent.mkdir(parents=True, exist_ok=True)
    result = {"hardware": hardware, "setup": setup, **parts}
    file.write_text(json.dumps(result, indent=1) + "\n")
    return file
