"""What a result was measured on."""

import ctypes.util
import datetime
import os
import platform
import subprocess

FLAGS = ("avx2", "fma", "avx512f", "avx512_vnni", "avx512_bf16", "avx_vnni", "amx_tile", "amx_int8", "amx_bf16")


def _cpuinfo() -> dict[str, str]:
    with open("/proc/cpuinfo") as lines:
        pairs = (line.partition(":") for line in lines if ":" in line)
        return {key.strip(): value.strip() for key, _, value in pairs}


def flags() -> list[str]:
    """Those of FLAGS that the processor has."""
    found = set(_cpuinfo().get("flags", "").split())
    return [flag for flag in FLAGS if flag in found]


def _commit() -> str:
    command = ["git", "-C", os.path.dirname(__file__), "describe", "--always", "--dirty"]
    return subprocess.run(command, capture_output=True, text=True).stdout.strip()


def jemalloc() -> str | None:
    """The system's jemalloc (Debian: libjemalloc2), or none."""
    return ctypes.util.find_library("jemalloc")


def _devices() -> list[str]:
    command = ["nvidia-smi", "--query-gpu=name,memory.total,driver_version", "--format=csv,noheader"]
    return subprocess.run(command, capture_output=True, text=True).stdout.strip().splitlines()


def describe(device: str = "cpu") -> dict:
    cpu = _cpuinfo()
    about = {} if device == "cpu" else {"devices": _devices()}
    return about | {
        "date": datetime.datetime.now(datetime.timezone.utc).isoformat(timespec="seconds"),
        "gavel_commit": _commit(),
        "cpu": cpu.get("model name", "unknown"),
        "cpu_family_model": f"{cpu.get('cpu family')}/{cpu.get('model')}",
        "cpu_flags": flags(),
        "cores": len(os.sched_getaffinity(0)),
        "memory_gb": round(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30, 1),
        "kernel": platform.release(),
        "python": platform.python_version(),
        "load_before": os.getloadavg()[0],
    }
