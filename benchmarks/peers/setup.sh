#!/usr/bin/env bash
# Makes the Python environment of the peers in a directory outside the tree: peers/setup.sh DIR
set -euo pipefail

if [ $# -ne 1 ]; then
  echo "usage: $0 DIR   (expected one directory, found $# arguments)" >&2
  exit 64
fi
here=$(cd "$(dirname "$0")" && pwd)
python3 -m venv "$1"
"$1/bin/pip" install --quiet --requirement "$here/requirements.txt"
echo "python benchmarks/compare.py --python $1/bin/python ..."
