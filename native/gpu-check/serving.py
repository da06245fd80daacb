"""Steps on the server: from the bundle, on the device, asked over gRPC by our own client commands."""

import json
import os
import pathlib
import shutil
import signal
import subprocess
import sys
import tarfile
import tempfile
import time

import judgments
from check import (NATIVE, ROOT, Check, Failed, Row, Skipped, last_line, require_transformers, stop_group,
                   torch_environment)

MODEL = ROOT / "models" / "gavel-small"
REQUEST = NATIVE / "gpu-check" / "request.json"
TOKENS = 12


def unpacked(check: Check) -> pathlib.Path:
    """The bundle, with the libraries that were built for this machine; unpacked once a folder of results."""
    home = check.results / "gavel"
    if not check.bundle.is_file():
        raise Skipped(f"no bundle at {check.bundle}; ./gavel build --gpu-bundle makes it, GAVEL_GPU_BUNDLE names it")
    names = ("libgavel.so",) if check.rehearses else ("libgavel.so", "libgavel_cuda.so")
    libraries = [check.libraries / name if check.libraries else check.built(f"lib/{name}") for name in names]
    # Once for all processes: a library that is written while one has it open takes that one down.
    stamp = " ".join(f"{file.stat().st_mtime_ns} {file.stat().st_size}" for file in (check.bundle, *libraries))
    mark = home / "unpacked"
    if not mark.is_file() or mark.read_text() != stamp:
        shutil.rmtree(home, ignore_errors=True)
        safely = {"filter": "data"} if hasattr(tarfile, "data_filter") else {}  # since 3.12, and in late 3.10 and 3.11
        with tarfile.open(check.bundle) as archive:
            archive.extractall(check.results, **safely)
        for library in libraries:
            shutil.copy2(library, home / "native")
        mark.write_text(stamp)
    return home


def environment(device: str) -> dict[str, str]:
    """The bundle's own Java, and LibTorch where a device multiplies with it."""
    own = {"GAVEL_JAVA": "", "JAVA_HOME": ""}
    return own if device == "cpu" else own | torch_environment()


def device_flags(device: str) -> list[str]:
    return [] if device == "cpu" else ["--device", device]


def gavel(check: Check, *command) -> str:
    return check.run([unpacked(check) / "bin" / "gavel", *command], environment(check.device))


def bench_command(check: Check, name: str, *flags) -> dict:
    """The JSON of `gavel bench NAME`, on the check's device unless a server is asked."""
    device = [] if "--target" in flags else device_flags(check.device)
    return json.loads(last_line(gavel(check, "bench", name, *flags, *device, "--json")))


class Server:
    """`gavel serve` with the embedded model on a Unix socket."""

    def __init__(self, check: Check, device: str):
        self.check, self.device = check, device
        self.program, self.environment = unpacked(check) / "bin" / "gavel", environment(device)  # or it is skipped
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="gavel-check-"))  # paths of sockets are short
        self.socket = self.folder / "gavel.sock"
        self.target = f"unix:{self.socket}"
        self.output = self.folder / "output"
        self.process = None

    def __enter__(self) -> "Server":
        with open(self.output, "w") as output:
            self.process = subprocess.Popen(
                [str(self.program), "serve", "--model", str(MODEL), "--uds", str(self.socket),
                 "--listen", "", *device_flags(self.device)],
                stdin=subprocess.DEVNULL, stdout=output, stderr=subprocess.STDOUT,
                env=os.environ | self.environment, start_new_session=True)
        try:
            self._wait()
        except BaseException:
            self.__exit__()
            raise
        return self

    def _wait(self):
        while "listening on unix:" not in self.said():
            if self.process.poll() is not None:
                raise Failed(f"the server ended with status {self.process.returncode}: {last_line(self.said())}")
            if self.check.seconds_left <= 1:
                raise Failed(f"the server did not start in time: {last_line(self.said())}")
            time.sleep(0.1)

    def __exit__(self, *_):
        if self.process.poll() is None:
            stop_group(self.process)
            self.process.wait()
        with open(self.check.log, "a") as log:
            log.write(f"server on {self.device}:\n{self.said()}")
        shutil.rmtree(self.folder, ignore_errors=True)

    def said(self) -> str:
        return self.output.read_text(errors="replace")

    def stop(self):
        """Asks it to end, and expects it to drain and to end with 0."""
        self.process.send_signal(signal.SIGTERM)
        try:
            status = self.process.wait(min(30, self.check.seconds_left))
        except subprocess.TimeoutExpired:
            raise Failed("the server did not stop when asked to") from None
        if status != 0 or "stopped" not in self.said():
            raise Failed(f"expected a server that stops with 0, found {status}: {last_line(self.said())}")

    def score(self) -> dict:
        request = json.loads(REQUEST.read_text())
        items = self.folder / "items.jsonl"
        items.write_text("".join(json.dumps(item) + "\n" for item in request["items"]))
        return json.loads(gavel(self.check, "score", "--target", self.target, "--query", request["query"],
                                "--items", items, "--json", "--tokens", "--label-mass"))

    def explain(self, *flags) -> list[dict]:
        request = json.loads(REQUEST.read_text())
        said = gavel(self.check, "explain", "--target", self.target, "--query", request["query"], "--item",
                     request["items"][0]["text"], "--max-tokens", TOKENS, *flags, "--json")
        return [json.loads(line) for line in said.splitlines() if line.strip()]


def answers(check: Check, device: str) -> dict:
    """What a server on the device says, from its start to its end, and of how many GPUs its log says that they are
    not watched."""
    with Server(check, device) as server:
        gavel(check, "health", "--target", server.target)
        found = {"score": server.score(),
                 "greedy": server.explain("--temperature", 0),
                 "sampled": server.explain("--order", "think-first", "--samples", 3, "--temperature", 1, "--seed", 7)}
        server.stop()
        unwatched = sum("not watched" in line for line in server.said().splitlines())
    for name, said in found.items():
        if judgments.device(said) != device:
            raise Failed(f"{name}: expected an answer from {device}, found one from {judgments.device(said)}")
    return found | {"unwatched": unwatched}


def serve(check: Check) -> list[Row]:
    """The embedded model on the device beside the same on the CPU in fp32."""
    found, true = answers(check, check.device), answers(check, "cpu")
    limit = judgments.Limit(exported(check)).of_labels(true["score"]["label_tokens"])
    rows = [Row("label log-probability, largest difference from the CPU", judgments.difference(
        found["score"], true["score"]), "nats", limit, at_most=True)]
    rows.append(Row("verdict of Explain, largest difference from Score", judgments.verdict_difference(
        found["greedy"], found["score"]), "nats", limit, at_most=True))
    judgments.check_explanation(found["greedy"], "label-first", TOKENS)
    judgments.check_explanation(found["sampled"], "think-first", TOKENS)
    rows.append(Row("greedy tokens equal to the CPU's", judgments.equal_tokens(found["greedy"], true["greedy"]),
                    f"of {TOKENS}"))
    if not check.rehearses:
        rows.append(Row("GPUs that could not be read through NVML", found["unwatched"], limit=0, at_most=True))
    return rows


def exported(check: Check) -> pathlib.Path:
    """The embedded model in plain fp32, for whoever does not read its quantized weights."""
    folder = check.results / "model-fp32"
    if not (folder / "model.safetensors").is_file():
        shutil.rmtree(folder, ignore_errors=True)
        gavel(check, "model", "export", "--model", MODEL, "--dtype", "fp32", "--out", folder)
    return folder


def fidelity(check: Check) -> list[Row]:
    """The embedded model on the device beside Transformers fp32 on the same tokens."""
    require_transformers()
    items = check.results / "items.jsonl"
    request = json.loads(REQUEST.read_text())
    items.write_text("".join(json.dumps(item) + "\n" for item in request["items"]))
    with Server(check, check.device) as server:
        label_tokens = server.score()["label_tokens"]
        server.stop()
    limit = judgments.Limit(exported(check)).of_labels(label_tokens)
    said = check.run(
        [sys.executable, ROOT / "benchmarks" / "fidelity.py", "--model", exported(check), "--query", request["query"],
         "--items", items, "--gavel", unpacked(check) / "bin" / "gavel", "--greedy-items", 1 if check.rehearses else 0,
         "--max-tokens", TOKENS, "--device", check.device, "--label-bar", limit], environment(check.device))
    return [Row("label log-probability, largest difference from Transformers", judgments.printed_difference(said),
                "nats", limit, at_most=True)]
