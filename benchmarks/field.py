"""Gavel and the peers of one run: who could be started, who had to leave, and why."""

import pathlib
import shutil
import subprocess
import sys

import rounds
from peers.catalog import KINDS, Kind, chosen
from peers.setup import interpreter
from rounds import Engine, EngineError, progress


def model_directory(arguments) -> pathlib.Path:
    """The model that every engine loads. That of a shape has random weights and is made once."""
    if arguments.model:
        return arguments.model.resolve()
    directory = rounds.BUILD / "models" / arguments.shape
    unfinished = directory.with_name(directory.name + ".unfinished")
    if not directory.exists():
        shutil.rmtree(unfinished, ignore_errors=True)
        unfinished.parent.mkdir(parents=True, exist_ok=True)
        subprocess.run([arguments.gavel, "model", "init", "--shape", arguments.shape,
                        "--out", unfinished], check=True, stdout=sys.stderr)
        unfinished.rename(directory)
    return directory


def gavel_flags(arguments) -> list:
    """How Gavel computes, for each of its bench commands."""
    a = arguments
    flags = ["--threads", a.threads]
    if a.quantization:
        flags += ["--quantization", a.quantization]
    if a.device != "cpu":
        flags += ["--device", a.device]
    if a.peak is not None:
        flags += ["--peak", a.peak]
    return flags if a.bandwidth is None else [*flags, "--bandwidth", a.bandwidth]


def add_arguments(parser):
    """Who takes part, and how."""
    parser.add_argument("--peers", default=",".join(KINDS),
                        help="names, or NAME:VARIANT; default: all of " + ", ".join(KINDS))
    parser.add_argument("--device", default="cpu", help="cpu (the default) or cuda:N, for all that take part")
    parser.add_argument("--quantization", help="of Gavel; default: int8 on a CPU, the device's own on another")
    parser.add_argument("--peak", type=float, help="of a device: its ceilings, G operations/s ...")
    parser.add_argument("--bandwidth", type=float, help="... and GB/s, which are not measured here")
    parser.add_argument("--python", type=pathlib.Path,
                        help="has the peers' packages; default: environments of their own, made here")
    parser.add_argument("--items", type=int, default=48)
    parser.add_argument("--labels", default="1,2,3,4", help="token ids that are compared")


class Field:
    def __init__(self, arguments, model: pathlib.Path):
        self.arguments, self.model = arguments, model
        self.engines: list[Engine] = []
        self.decoders: list[Engine] = []
        self.about: dict[str, dict] = {}
        self.skipped: dict[str, str] = {}

    @property
    def gavel(self) -> Engine:
        return self.engines[0]

    def start(self):
        self._join(self._gavel())
        for kind, variant in chosen(self.arguments.peers):
            name = f"{kind.name} {variant}"
            try:
                self._join(self._peer(kind, variant, name))
            except EngineError as error:
                self.skip(name, error)
                continue
            if variant in kind.decodes:
                self.decoders.append(self.engines[-1])

    def skip(self, name: str, reason):
        said = str(reason).replace(str(self.model), self.model.name)
        progress(f"{name}: skipped: {said}")
        self.skipped[name] = said

    def drop(self, engine: Engine, reason):
        """An engine that failed takes part no more; without Gavel there is nothing to compare."""
        if engine is self.gavel:
            raise SystemExit(f"{engine.name}: {reason}")
        self.skip(engine.name, reason)
        for group in self.engines, self.decoders:
            if engine in group:
                group.remove(engine)
        engine.close()

    def close(self):
        for engine in self.engines:
            engine.close()

    def _join(self, engine: Engine):
        self.engines.append(engine)
        self.about[engine.name] = engine.about

    def _gavel(self) -> Engine:
        a = self.arguments
        name = f"gavel {a.quantization or a.device}"
        command = [a.gavel, "bench", "pipe", "--model", self.model, "--labels", a.labels, *gavel_flags(a)]
        try:
            return Engine(name, command)
        except EngineError as error:
            raise SystemExit(f"{name}: {error}")

    def _peer(self, kind: Kind, variant: str, name: str) -> Engine:
        a = self.arguments
        if a.device != "cpu" and not kind.on_devices:
            raise EngineError(f"expected a peer that computes on {a.device}, found one for CPUs")
        python = a.python or interpreter(kind)
        progress(f"{name}: loading")
        return Engine(name, [
            python, rounds.HERE / "peers" / kind.script, "--model", self.model, "--variant", variant,
            "--labels", a.labels, "--threads", a.threads,
            "--device", a.device, "--items", a.items,
            "--converted", rounds.BUILD / "converted" / self._model_key()],
            kind.environment, a.jemalloc if kind.jemalloc else None)

    def _model_key(self) -> str:
        """Another model of the same name gets a folder of its own."""
        return f"{self.model.name}-{(self.model / 'config.json').stat().st_mtime_ns:x}"
