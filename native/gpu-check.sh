#!/usr/bin/env bash
# Everything that only a GPU can confirm, in one command: bash native/gpu-check.sh [RESULTS]
#
# Needs a driver, an nvcc of CUDA 12.6 or later, CMake, a C++ compiler and Python 3.10 or later; uses PyTorch,
# Transformers, compute-sanitizer and ncu where they are, and the bundle of ./gavel build --gpu-bundle for
# the steps that serve. Needs no Maven, no Java and no network, and writes outside of RESULTS (a folder, made
# where it is missing; default native/target/gpu-check) nothing but sockets, what CUDA caches and, in the step
# transformers, a model of random weights and logs in benchmarks/target.
#
#   bash native/gpu-check.sh --steps configure,build,sweep    some steps; later calls go on in the same folder
#   bash native/gpu-check.sh --rehearse --libraries DIR       what can be tried without a device, on the CPU
#   bash native/gpu-check.sh --help                           everything else
#
# Ends with 0 if all that could run passed, 1 if something failed, 77 if there is no device or no
# compiler. docs/gpu-checks.md says what each step confirms.
native=$(CDPATH='' cd "$(dirname "${BASH_SOURCE[0]}")" && pwd -P)
if ! python3 -c 'import sys; sys.exit(sys.version_info < (3, 10))' 2>/dev/null; then
  echo "skipped: expected Python 3.10 or later as python3, found none"
  exit 77
fi
PYTHONDONTWRITEBYTECODE=1 exec python3 "$native/gpu-check" "$@"
