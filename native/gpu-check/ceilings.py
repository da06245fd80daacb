"""The two ceilings of a device by PyTorch: the rate of a large product of random numbers, and of a large copy.

    python3 ceilings.py cuda:0

Prints one JSON object: TFLOP/s of products, GB/s read and written by a copy.
"""

import json
import sys
import time

import torch

SIDE = {"cuda": 8192, "cpu": 1024}
COPY_BYTES = {"cuda": 1 << 31, "cpu": 1 << 26}
TIMES = 10


def on_cuda(work) -> float:
    """Seconds of one run, by the device's own clock."""
    begin, end = torch.cuda.Event(enable_timing=True), torch.cuda.Event(enable_timing=True)
    begin.record()
    for _ in range(TIMES):
        work()
    end.record()
    end.synchronize()
    return begin.elapsed_time(end) * 1e-3 / TIMES


def on_cpu(work) -> float:
    start = time.perf_counter()
    for _ in range(TIMES):
        work()
    return (time.perf_counter() - start) / TIMES


def fastest(device: torch.device, work) -> float:
    """Of three series, after a warm-up: what was possible once is a ceiling."""
    for _ in range(3):
        work()
    return min((on_cuda if device.type == "cuda" else on_cpu)(work) for _ in range(3))


def main():
    device = torch.device(sys.argv[1])
    n = SIDE[device.type]
    operations = 2e-12 * n**3
    a, b = (torch.randn(n, n, device=device, dtype=torch.bfloat16) for _ in range(2))
    out = torch.empty_like(a)
    found = {"bf16_tflops": operations / fastest(device, lambda: torch.mm(a, b, out=out))}
    if device.type == "cuda" and torch.cuda.get_device_capability(device) >= (8, 9):
        x, w = a.to(torch.float8_e4m3fn), b.to(torch.float8_e4m3fn).t()
        rows, columns = (torch.ones(shape, device=device) for shape in ((n, 1), (1, n)))
        found["fp8_tflops"] = operations / fastest(device, lambda: torch._scaled_mm(
            x, w, scale_a=rows, scale_b=columns, out_dtype=torch.bfloat16))
    source = torch.randint(0, 256, (COPY_BYTES[device.type],), device=device, dtype=torch.uint8)
    target = torch.empty_like(source)
    found["copy_gigabytes"] = 2e-9 * source.numel() / fastest(device, lambda: target.copy_(source))
    print(json.dumps(found))


if __name__ == "__main__":
    main()
