#!/usr/bin/env bash
# Everything that only a GPU can confirm, in one command: bash native/gpu-check.sh [RESULTS]
#
# Needs a driver, an nvcc of CUDA 12.6 or later, CMake and a C++ compiler; uses PyTorch and
# compute-sanitizer where they are. Needs no Maven, no Java and no network, and writes outside of
# RESULTS (a folder, made where it is missing; default native/target/gpu-check) nothing.
#
# Ends with 0 if all that could run passed, 1 if something failed, 77 if there is no device or no
# compiler. docs/gpu-checks.md says what each step confirms.
set -u

native=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd -P)
results=${1:-$native/target/gpu-check}
mkdir -p "$results/logs" || exit 1
results=$(cd "$results" && pwd -P)
build=$results/build
table=$results/summary.txt
failed=0
: >"$table"

say() { printf '%s\n' "$*" | tee -a "$table"; }

skip_all() {
  say "skipped: $*"
  exit 77
}

# step NAME SECONDS COMMAND...: runs it with its output in a log, and adds a line to the table.
step() {
  local name=$1 limit=$2 started=$SECONDS rc
  shift 2
  timeout "$limit" "$@" >"$results/logs/$name.log" 2>&1
  rc=$?
  case $rc in
    0) say "$(printf '%-28s passed in %d s' "$name" $((SECONDS - started)))" ;;
    77) say "$(printf '%-28s skipped: %s' "$name" "$(tail -n 1 "$results/logs/$name.log")")" ;;
    124) say "$(printf '%-28s FAILED: not done in %d s' "$name" "$limit")" ;;
    *) say "$(printf '%-28s FAILED with %d: %s' "$name" $rc "$(grep -m 1 -E 'FAILED|error|ERROR' "$results/logs/$name.log")")" ;;
  esac
  [ $rc = 0 ] || [ $rc = 77 ] || failed=1
  return $rc
}

find_nvcc() {
  local nvcc
  for nvcc in "${CUDACXX:-}" "$(command -v nvcc 2>/dev/null)" /usr/local/cuda/bin/nvcc; do
    [ -n "$nvcc" ] && [ -x "$nvcc" ] && echo "$nvcc" && return 0
  done
  return 1
}

# sanitized TOOL: the sweep under one tool of compute-sanitizer, with a fixed seed.
sanitized() {
  command -v compute-sanitizer >/dev/null || {
    echo "compute-sanitizer is not there"
    return 77
  }
  compute-sanitizer --tool "$1" --error-exitcode 1 "$build/sweep_device" "$build/lib/libgavel_cuda.so" 1
}
export -f sanitized
export build

# with_libtorch COMMAND...: the command with the folder of PyTorch's LibTorch as its last argument.
with_libtorch() {
  local libtorch
  libtorch=$(python3 -c 'import os, torch; print(os.path.join(os.path.dirname(torch.__file__), "lib"))' 2>/dev/null) || {
    echo "PyTorch is not there"
    return 77
  }
  # A wheel keeps CUDA's libraries beside PyTorch; importing it is how they are found, a path is how we find them.
  LD_LIBRARY_PATH="$libtorch:$(printf '%s:' "$libtorch"/../../nvidia/*/lib)${LD_LIBRARY_PATH:-}" "$@" "$libtorch"
}
export -f with_libtorch

# The engine on every device beside the engine on the CPU.
parity() {
  with_libtorch "$build/parity_device" "$build/lib/libgavel_cuda.so"
}
export -f parity

# bench TFLOPS GIGABYTES: kernels, and where PyTorch is, steps of the whole engine with graphs and without.
bench() {
  with_libtorch true >/dev/null || {
    "$build/bench_device" "$build/lib/libgavel_cuda.so" "$1" "$2"
    return
  }
  with_libtorch "$build/bench_device" "$build/lib/libgavel_cuda.so" "$1" "$2"
}
export -f bench

# The two ceilings by PyTorch: TFLOP/s of a large product, GB/s of a large copy.
ceilings() {
  python3 -c 'import torch' 2>/dev/null || {
    echo "PyTorch is not there"
    return 77
  }
  python3 - <<'PYTHON'
import torch

def seconds(work, times):
    for _ in range(3):
        work()
    begin, end = torch.cuda.Event(enable_timing=True), torch.cuda.Event(enable_timing=True)
    begin.record()
    for _ in range(times):
        work()
    end.record()
    end.synchronize()
    return begin.elapsed_time(end) * 1e-3 / times

n = 8192
a, b = (torch.randn(n, n, device="cuda", dtype=torch.bfloat16) for _ in range(2))
print(f"bf16_tflops {2e-12 * n**3 / seconds(lambda: a @ b, 10):.1f}")
if torch.cuda.get_device_capability() >= (8, 9):
    x, w = a.to(torch.float8_e4m3fn), b.to(torch.float8_e4m3fn).t()
    rows, columns = (torch.ones(shape, device="cuda") for shape in ((n, 1), (1, n)))
    run = lambda: torch._scaled_mm(x, w, scale_a=rows, scale_b=columns, out_dtype=torch.bfloat16)
    print(f"fp8_tflops {2e-12 * n**3 / seconds(run, 10):.1f}")
source = torch.empty(1 << 31, device="cuda", dtype=torch.uint8)
target = torch.empty_like(source)
print(f"copy_gigabytes {2e-9 * source.numel() / seconds(lambda: target.copy_(source), 10):.0f}")
PYTHON
}
export -f ceilings

nvidia-smi -L >"$results/logs/devices.log" 2>&1 || skip_all "no driver or no device (nvidia-smi)"
nvcc=$(find_nvcc) || skip_all "no nvcc; set CUDACXX"
command -v cmake >/dev/null || skip_all "no cmake"
say "devices: $(paste -sd ';' "$results/logs/devices.log")"
say "driver: $(nvidia-smi --query-gpu=driver_version --format=csv,noheader | head -n 1); $("$nvcc" --version | grep release)"

jobs=$(nproc)
step configure 120 cmake -S "$native" -B "$build" -DCMAKE_BUILD_TYPE=Release -DGAVEL_NVCC="$nvcc" || exit 1
step build 900 cmake --build "$build" --parallel "$jobs" \
  --target gavel_cuda sweep_device parity_device bench_device cuda_host_test cuda_engine_test || exit 1
step sweep-on-host 300 "$build/cuda_host_test"
step engine-on-host 300 "$build/cuda_engine_test"
for run in 1 2 3; do
  step "sweep-$run" 300 "$build/sweep_device" "$build/lib/libgavel_cuda.so"
done
step engine-parity 300 bash -c parity
for tool in memcheck racecheck synccheck initcheck; do
  step "sanitizer-$tool" 900 bash -c "sanitized $tool"
done
step ceilings 120 bash -c ceilings
bf16=$(sed -n 's/^bf16_tflops //p' "$results/logs/ceilings.log")
copy=$(sed -n 's/^copy_gigabytes //p' "$results/logs/ceilings.log")
if step bench 600 bash -c "bench ${bf16:-0} ${copy:-0}"; then
  sed 's/^/  /' "$results/logs/ceilings.log" "$results/logs/bench.log" | tee -a "$table"
fi
[ $failed = 0 ] && say "gpu-check: PASSED" || say "gpu-check: FAILED"
exit $failed
