"""What every step of gpu-check shares: the place it works in, commands with time limits, and what it found."""

import contextlib
import dataclasses
import importlib.util
import os
import pathlib
import shutil
import signal
import subprocess
import sys
import time

ROOT = pathlib.Path(__file__).resolve().parents[2]
NATIVE = ROOT / "native"
SKIPPED_STATUS = 77


class Skipped(Exception):
    """A step that cannot run here; the message says why."""


class Failed(Exception):
    """A step that found something wrong; the message says what."""


@dataclasses.dataclass
class Row:
    """One line of the table of results: a figure, and the limit beside it.

    A figure with a bar has to reach that part of its limit; one that is `at_most` its limit must not exceed it.
    """

    what: str
    found: float
    unit: str = ""
    limit: float | None = None
    bar: float | None = None
    at_most: bool = False

    @property
    def part(self) -> float | None:
        return self.found / self.limit if self.limit else None

    @property
    def missed(self) -> bool:
        if self.limit is None:
            return False
        if self.at_most:
            return not self.found <= self.limit  # NaN is missed as well
        return self.bar is not None and not self.found >= self.bar * self.limit

    def text(self) -> str:
        line = f"  {self.what:<52} {self.found:>12,.4g} {self.unit:<9}"
        if self.limit is None:
            return line.rstrip()
        if self.at_most:
            return f"{line} at most {self.limit:,.4g}{'  MISSED' if self.missed else ''}"
        bar = "" if self.bar is None else f" (bar {self.bar:.0%}{', MISSED' if self.missed else ''})"
        return f"{line} limit {self.limit:>10,.4g} {self.part:>6.1%}{bar}"

    def json(self) -> dict:
        return {key: value for key, value in dataclasses.asdict(self).items() if value is not None}


@dataclasses.dataclass
class Check:
    """One run. Everything is written below `results`."""

    results: pathlib.Path
    device: str
    bundle: pathlib.Path
    libraries: pathlib.Path | None
    nvcc: str | None = None
    earlier: dict = dataclasses.field(default_factory=dict)  # of steps, by name, as in results.json
    step: str = ""
    deadline: float = 0

    @property
    def rehearses(self) -> bool:
        return self.device == "cpu"

    @property
    def build(self) -> pathlib.Path:
        return self.results / "build"

    @property
    def log(self) -> pathlib.Path:
        return self.results / "logs" / f"{self.step}.log"

    @property
    def seconds_left(self) -> float:
        return max(1, self.deadline - time.monotonic())

    def figure(self, step: str, what: str) -> float | None:
        """What an earlier step, of this call or of one before it, found."""
        rows = self.earlier.get(step, {}).get("rows", [])
        return next((row["found"] for row in rows if row["what"] == what), None)

    def built(self, name: str) -> pathlib.Path:
        """A file that step `build` makes."""
        file = self.build / name
        if not file.exists():
            raise Failed(f"expected {file.name}, which the step build makes, found none")
        return file

    def run(self, command: list, environment: dict[str, str] | None = None) -> str:
        """Standard output of a command, which has to end well within the step's time; both outputs go to the log."""
        command = list(map(str, command))
        with open(self.log, "a") as log:
            log.write(f"$ {' '.join(command)}\n")
            log.flush()
            begin = log.tell()
            process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=log, text=True,
                                       errors="replace", env=os.environ | (environment or {}), start_new_session=True)
            try:
                said, _ = process.communicate(timeout=self.seconds_left)
            except subprocess.TimeoutExpired:
                stop_group(process)
                said, _ = process.communicate()
                log.write(said)
                raise Failed(f"{pathlib.Path(command[0]).name}: not done in time") from None
            except BaseException:  # gpu-check itself is asked to end, and shall leave nothing on the device
                stop_group(process)
                raise
            log.write(said)
        if process.returncode == SKIPPED_STATUS:  # there is a device, or it would not have been asked
            raise Failed(f"{pathlib.Path(command[0]).name} {last_line(said)}")
        if process.returncode:
            raise Failed(f"{pathlib.Path(command[0]).name}: status {process.returncode}: {self.first_error(begin)}")
        return said

    def first_error(self, begin: int) -> str:
        """The line of the log that says what went wrong, else its last one."""
        with open(self.log, errors="replace") as log:
            log.seek(begin)
            lines = [line.strip() for line in log if line.strip()]
        words = "FAILED", "error", "ERROR", "expected"
        return next((line for line in lines if any(word in line for word in words)), lines[-1] if lines else "")[:400]


def stop_group(process: subprocess.Popen):
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)


def end_when_asked():
    """SIGTERM ends this program as an interrupt does: with the processes that it started."""
    def leave(number, _):
        sys.exit(128 + number)
    signal.signal(signal.SIGTERM, leave)


def last_line(text: str) -> str:
    lines = text.strip().splitlines()
    return lines[-1] if lines else ""


def has_module(name: str) -> bool:
    """Without importing it, which takes seconds of PyTorch."""
    return importlib.util.find_spec(name) is not None


def require_transformers():
    for name in "torch", "transformers", "numpy":
        if not has_module(name):
            raise Skipped(f"the Python package {name} is not there")


def torch_folder() -> pathlib.Path:
    """The folder of LibTorch in the PyTorch of this Python."""
    if not has_module("torch"):
        raise Skipped("PyTorch is not there")
    return pathlib.Path(importlib.util.find_spec("torch").origin).parent / "lib"


def torch_environment() -> dict[str, str]:
    """How LibTorch is found, and the CUDA libraries that a wheel keeps beside it: importing PyTorch finds them by
    itself, opening its libraries does not."""
    libtorch = torch_folder()
    folders = [libtorch, *sorted(libtorch.parents[1].glob("nvidia/*/lib"))]
    paths = ":".join([*map(str, folders), *filter(None, [os.environ.get("LD_LIBRARY_PATH")])])
    return {"GAVEL_LIBTORCH": str(libtorch), "LD_LIBRARY_PATH": paths}


def tool(name: str) -> str:
    found = shutil.which(name) or shutil.which(name, path="/usr/local/cuda/bin")
    if not found:
        raise Skipped(f"{name} is not there")
    return found
