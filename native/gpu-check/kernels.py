"""Steps on the kernels: build, sweeps, parity of the engines, sanitizer, their own rates, the profiler."""

import os
import re

from check import NATIVE, Check, Failed, Row, Skipped, tool, torch_environment, torch_folder

# Parts of the ceiling that each kernel should reach, by how its line of bench_device begins.
BARS = {"prefill": 0.5, "decode": 0.7, "rms_norm": 0.8, "swiglu": 0.8, "rope": 0.8}
TARGETS = ("gavel", "gavel_cuda", "sweep_device", "parity_device", "bench_device", "cuda_host_test", "cuda_engine_test")
SANITIZED_SEED = 1
PROFILED = "prefill_kernel"


def configure(check: Check) -> list[Row]:
    check.run([tool("cmake"), "-S", NATIVE, "-B", check.build, "-DCMAKE_BUILD_TYPE=Release",
               f"-DGAVEL_NVCC={check.nvcc}"])
    return []


def build(check: Check) -> list[Row]:
    check.run([tool("cmake"), "--build", check.build, "--parallel", len(os.sched_getaffinity(0)),
               "--target", *TARGETS])
    return []


def program(name: str):
    """A step that is one program without arguments."""
    def step(check: Check) -> list[Row]:
        check.run([check.built(name)])
        return []
    return step


def sweep(check: Check) -> list[Row]:
    check.run([check.built("sweep_device"), check.built("lib/libgavel_cuda.so")])
    return []


def parity(check: Check) -> list[Row]:
    check.run([check.built("parity_device"), check.built("lib/libgavel_cuda.so"), torch_folder()], torch_environment())
    return []


def sanitizer(name: str):
    def step(check: Check) -> list[Row]:
        check.run([tool("compute-sanitizer"), "--tool", name, "--error-exitcode", 1, check.built("sweep_device"),
                   check.built("lib/libgavel_cuda.so"), SANITIZED_SEED])
        return []
    return step


def rates(check: Check) -> list[Row]:
    """Each kernel's seconds beside those that the ceilings allow."""
    product, copy = check.figure("ceilings", "bf16 product"), check.figure("ceilings", "copy")
    if product is None or copy is None:
        raise Failed("expected the ceilings, which the step ceilings measures, found none")
    fp8 = check.figure("ceilings", "fp8 product") or 0
    said = check.run([check.built("bench_device"), check.built("lib/libgavel_cuda.so"), product, copy, fp8,
                      torch_folder()], torch_environment())
    rows = printed_rates(said)
    if not rows:
        raise Failed("expected rates of kernels, found none")
    return rows


def printed_rates(said: str) -> list[Row]:
    """From what bench_device prints: headings such as bf16, each above its kernels, then steps of the whole engine."""
    rows, heading = [], ""
    for line in said.splitlines():
        kernel = re.match(r"(\S.*?) +([\d.]+) us .* limit +([\d.]+) us", line)
        step = re.match(r"(\S.*?) +direct +([\d.]+) us .* graphs +([\d.]+) us .* limit +([\d.]+) us", line)
        if step:
            name, *times, limit = step.groups()
            found = zip((f"engine, {name}, direct", f"engine, {name}, graphs"), times)
        elif kernel:
            name, time, limit = kernel.groups()
            found = [(f"{heading}, {name}", time)]
        else:
            heading = line
            continue
        bar = next((part for begin, part in BARS.items() if name.startswith(begin)), None)
        # In runs a second, so that the limit is the most.
        rows += [Row(what, 1e6 / float(time), "runs/s", 1e6 / float(limit) if float(limit) else None, bar)
                 for what, time in found]
    return rows


def profile(check: Check) -> list[Row]:
    """The kernel that takes the most of a scoring request, by the hardware's own counters; kept in the log."""
    try:
        said = check.run([tool("ncu"), "--clock-control", "none", "--set", "basic", "--kernel-name",
                          f"regex:{PROFILED}", "--launch-skip", 2, "--launch-count", 1, check.built("bench_device"),
                          check.built("lib/libgavel_cuda.so")])
    except Failed as failure:
        raise Skipped(f"ncu does not read this device's counters: {failure}") from None
    if "Duration" not in said:  # it ends with 0 all the same
        raise Skipped(f"ncu counted no launch of {PROFILED}; its log says why")
    return []
