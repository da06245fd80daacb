"""Everything that only a GPU can confirm, step by step; native/gpu-check.sh starts it. docs/gpu-checks.md says what
each step confirms.

Ends with 0 if all that could run passed, 1 if something failed, 77 if there is no device or no compiler.
"""

import argparse
import dataclasses
import datetime
import json
import os
import pathlib
import platform
import re
import shutil
import subprocess
import sys
import time
import traceback
from typing import Callable

import benches
import bundle
import enclosure
import kernels
import serving
from check import NATIVE, ROOT, SKIPPED_STATUS, Check, Failed, Row, Skipped, end_when_asked, has_module, torch_folder

BUNDLE = ROOT / ".gavel" / "gpu-bundle.tar.xz"


@dataclasses.dataclass(frozen=True)
class Step:
    seconds: int
    """The most it may take."""
    work: Callable[[Check], list[Row]]
    rehearsed: bool = False


STEPS = {
    "configure": Step(60, kernels.configure),
    "build": Step(420, kernels.build),
    "sweep-on-host": Step(300, kernels.program("cuda_host_test")),
    "engine-on-host": Step(300, kernels.program("cuda_engine_test")),
    "sweep-1": Step(120, kernels.sweep),
    "sweep-2": Step(120, kernels.sweep),
    "sweep-3": Step(120, kernels.sweep),
    "engine-parity": Step(120, kernels.parity),
    "ceilings": Step(180, benches.ceilings, rehearsed=True),
    "kernel-rates": Step(120, kernels.rates),
    "serve": Step(180, serving.serve, rehearsed=True),
    "fidelity": Step(180, serving.fidelity, rehearsed=True),
    "bench-score": Step(240, benches.score, rehearsed=True),
    "bench-score-fp8": Step(240, benches.score_fp8),
    "bench-explain": Step(240, benches.explain, rehearsed=True),
    "bench-verdict": Step(240, benches.verdict, rehearsed=True),
    "transformers": Step(420, benches.transformers, rehearsed=True),
    "sanitizer-memcheck": Step(300, kernels.sanitizer("memcheck")),
    "sanitizer-racecheck": Step(300, kernels.sanitizer("racecheck")),
    "sanitizer-synccheck": Step(300, kernels.sanitizer("synccheck")),
    "sanitizer-initcheck": Step(300, kernels.sanitizer("initcheck")),
    "profile": Step(180, kernels.profile),
}
NEEDED_FIRST = ("configure", "build")
NVCC_LEAST = (12, 6)


def parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="gpu-check.sh", description=__doc__.splitlines()[0])
    parser.add_argument("results", nargs="?", type=pathlib.Path,
                        help="folder for everything that is written; default: native/target/gpu-check, or -rehearsal")
    parser.add_argument("--steps", help="some of them, by name or how a name begins: " + ", ".join(STEPS))
    parser.add_argument("--leave-out", default="", help="likewise, of steps that are not run")
    parser.add_argument("--rehearse", action="store_true", default=os.environ.get("GAVEL_CHECK_DEVICE") == "cpu",
                        help="on this machine's CPU, with small shapes: the steps that do not need a device")
    parser.add_argument("--libraries", type=pathlib.Path, help="take libgavel.so from there instead of building it")
    parser.add_argument("--bundle", type=pathlib.Path, default=pathlib.Path(os.environ.get("GAVEL_GPU_BUNDLE", BUNDLE)),
                        help="what ./gavel build --gpu-bundle made; default: GAVEL_GPU_BUNDLE, or where it was made")
    arguments = parser.parse_args()
    for names in filter(None, (arguments.steps, arguments.leave_out)):
        for name in names.split(","):
            if not any(step.startswith(name) for step in STEPS):
                parser.error(f"expected steps among {', '.join(STEPS)}, found {name}")
    return arguments


def chosen(arguments) -> list[str]:
    def named(names: str) -> tuple[str, ...]:
        return tuple(filter(None, names.split(",")))

    names = [name for name, step in STEPS.items() if step.rehearsed or not arguments.rehearse]
    if arguments.rehearse and not arguments.libraries:
        names = [*NEEDED_FIRST, *names]
    if arguments.steps:
        names = [name for name in names if name.startswith(named(arguments.steps))]
    return [name for name in names if not arguments.leave_out or not name.startswith(named(arguments.leave_out))]


def output_of(*command: str) -> str:
    """Empty where there is no such command or it fails."""
    try:
        return subprocess.run(command, capture_output=True, text=True, timeout=60).stdout.strip()
    except (OSError, subprocess.TimeoutExpired):
        return ""


def find_nvcc() -> str | None:
    """The first of a version that compiles the kernels."""
    for nvcc in (os.environ.get("CUDACXX"), shutil.which("nvcc"), "/usr/local/cuda/bin/nvcc"):
        release = re.search(r"release (\d+)\.(\d+)", output_of(nvcc, "--version")) if nvcc else None
        if release and tuple(map(int, release.groups())) >= NVCC_LEAST:
            return nvcc
    return None


def machine(check: Check) -> dict:
    found = {"date": datetime.datetime.now(datetime.timezone.utc).isoformat(timespec="seconds"),
             "gavel_commit": bundle.git("describe", "--always", "--dirty").strip() or "unknown",
             "kernel": platform.release(), "cores": len(os.sched_getaffinity(0)), "device": check.device}
    if not check.rehearses:
        found["devices"] = output_of(
            "nvidia-smi", "--query-gpu=name,memory.total,driver_version", "--format=csv,noheader").splitlines()
        found["nvcc"] = next((line.strip() for line in output_of(check.nvcc, "--version").splitlines()
                              if "release" in line), "")
    if has_module("torch"):
        said = re.search(r"__version__ = '(.+)'", (torch_folder().parent / "version.py").read_text())
        found["torch"] = said[1] if said else "unknown"
    return found


def run_step(check: Check, name: str) -> dict:
    """What results.json says of the step."""
    step, started = STEPS[name], time.monotonic()
    check.step, check.deadline = name, started + step.seconds
    check.log.unlink(missing_ok=True)
    found, rows = {}, []
    try:
        rows = step.work(check)
        missed = [row.what for row in rows if row.missed and row.at_most]
        if missed:
            raise Failed(f"beyond its limit: {', '.join(missed)}")
        found["status"] = "passed"
    except Skipped as reason:
        found |= {"status": "skipped", "reason": str(reason)}
    except Failed as reason:
        found |= {"status": "FAILED", "reason": str(reason)}
    except Exception as mistake:  # of the step itself; the others shall run, a device is lent for minutes
        with open(check.log, "a") as log:
            traceback.print_exc(file=log)
        found |= {"status": "FAILED", "reason": f"{type(mistake).__name__}: {mistake}"}
    found["seconds"] = round(time.monotonic() - started, 1)
    found["rows"] = [row.json() | {"missed": row.missed} for row in rows]
    reason = f": {found['reason']}" if "reason" in found else ""
    say(check, f"{name:<22} {found['status']}{reason} ({found['seconds']:.0f} s)")
    for row in rows:
        say(check, row.text())
    return found


def say(check: Check, line: str):
    print(line, flush=True)
    with open(check.results / "summary.txt", "a") as summary:
        summary.write(line + "\n")


def prepare(arguments) -> Check:
    """Leaves with 77 where nothing can be checked."""
    folder = arguments.results or NATIVE / "target" / ("gpu-check-rehearsal" if arguments.rehearse else "gpu-check")
    (folder / "logs").mkdir(parents=True, exist_ok=True)
    if arguments.rehearse:
        enclosure.enclose(folder.resolve())
    check = Check(folder.resolve(), "cpu" if arguments.rehearse else "cuda:0", arguments.bundle.resolve(),
                  arguments.libraries and arguments.libraries.resolve(), find_nvcc())
    reason = None
    if not check.rehearses and not output_of("nvidia-smi", "-L"):
        reason = "no driver or no device (nvidia-smi)"
    elif not check.rehearses and not check.nvcc:
        reason = "expected an nvcc of CUDA {}.{} or later (CUDACXX, PATH or /usr/local/cuda), found none".format(
            *NVCC_LEAST)
    if reason:
        say(check, f"skipped: {reason}")
        sys.exit(SKIPPED_STATUS)
    return check


def main():
    arguments = parse()
    check = prepare(arguments)
    end_when_asked()
    results = check.results / "results.json"
    # Steps of an earlier call in the same folder count, so that a machine's time can be spent in several calls.
    check.earlier = json.loads(results.read_text())["steps"] if results.is_file() and arguments.steps else {}
    about = machine(check)
    say(check, "; ".join(f"{key} {value}" for key, value in about.items() if value))
    failed = False
    for name in chosen(arguments):
        found = run_step(check, name)
        check.earlier[name] = found
        failed |= found["status"] == "FAILED"
        results.write_text(json.dumps({"machine": about, "steps": check.earlier}, indent=1) + "\n")
        if name in NEEDED_FIRST and found["status"] != "passed":
            break
    below = sum(row["missed"] for step in check.earlier.values() for row in step["rows"] if not row["at_most"])
    say(check, f"gpu-check: {'FAILED' if failed else 'PASSED'}"
        + (f", {below} figures below their bar" if below else "") + f"; {results}")
    sys.exit(1 if failed else 0)


if __name__ == "__main__":
    main()
