"""Steps on the kernels: build, sweeps, parity of the engines, sanitizer, their own rates, the profiler."""

import os
import re

from check import NATIVE, Check, Failed, Row, Skipped, tool, torch_environment, torch_folder

# Parts of the ceiling that each kernel should reach, by how its line of bench_device begins.
BARS = {"prefill": 0.5, "decode": 0.7, "rms_norm": 0.8, "swiglu": 0.8, "rope": 0.8}
TARGETS = ("gavel", "gavel_cuda", "sweep_device", "parity_device", "bench_device", "cuda_host_test", "cuda_engine_test")
SANITIZED_SEED = 1


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
    lines = re.findall(r"^(\S.*?) +([\d.]+) us .* limit +([\d.]+) us", said, re.MULTILINE)
    if not lines:
        raise Failed("expected rates of kernels, found none")
    rows = []
    for name, found, limit in lines:
        bar = next((part for begin, part in BARS.items() if name.startswith(begin)), None)
        # In runs a second, so that the limit is the most.
        rows.append(Row(name, 1e6 / float(found), "runs/s", 1e6 / max(float(limit), 1e-3), bar))
    return rows


def profile(check: Check) -> list[Row]:
    """The kernel that takes the most of a scoring request, by the hardware's own counters; kept in the log."""
    try:
        check.run([tool("ncu"), "--clock-control", "none", "--set", "basic", "--kernel-name",
                   "regex:attention_prefill", "--launch-skip", 2, "--launch-count", 1, check.built("bench_device"),
                   check.built("lib/libgavel_cuda.so")])
    except Failed as failure:
        raise Skipped(f"ncu does not read this device's counters: {failure}") from None
    return []
