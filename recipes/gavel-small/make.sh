#!/usr/bin/env bash
# Makes the embedded model. Steps whose result is there are not done again.
#
#   recipes/gavel-small/make.sh DATA BASE WORK
#
# DATA  folder with crowdflower-{train,dev}.jsonl.gz and homedepot-train.jsonl.gz
# BASE  SmolLM2-135M-Instruct in the Hugging Face layout
# WORK  folder for everything made; the model is WORK/gavel-small
set -euo pipefail
[ $# = 3 ] || { sed -n '2,9s/^# \{0,1\}//p' "$0" >&2; exit 2; }
recipe=$(cd "$(dirname "$0")" && pwd)
gavel=$recipe/../../gavel
data=$(cd "$1" && pwd)
base=$(cd "$2" && pwd)
mkdir -p "$3"
cd "$3"

step() { # RESULT COMMAND...
  local result=$1
  shift
  [ -e "$result" ] || { echo "== $result" >&2; "$@"; }
}
python() { venv/bin/python "$@"; }

step venv python3 -m venv venv
step venv/installed sh -c "venv/bin/pip install -q -r '$recipe/requirements.txt' && touch venv/installed"
ln -sf "$data/crowdflower-dev.jsonl.gz" dev.jsonl.gz

# What the student learns from: distributions by a cross-encoder.
step teacher.pt python "$recipe/teacher.py" --homedepot "$data/homedepot-train.jsonl.gz" \
  --crowdflower "$data/crowdflower-train.jsonl.gz" --dev dev.jsonl.gz --out teacher.pt
step pool.jsonl.gz python "$recipe/pool.py" --crowdflower "$data/crowdflower-train.jsonl.gz" --out pool.jsonl.gz
step pool-soft.jsonl.gz python "$recipe/label.py" --teacher teacher.pt --data pool.jsonl.gz --out pool-soft.jsonl.gz
step train-soft.jsonl.gz python "$recipe/label.py" --teacher teacher.pt --judged 0.5 \
  --data "$data/crowdflower-train.jsonl.gz" --out train-soft.jsonl.gz
step near-misses.jsonl.gz python "$recipe/near_misses.py" --data pool-soft.jsonl.gz train-soft.jsonl.gz \
  --out near-misses.jsonl.gz
step near-graded.jsonl.gz python "$recipe/rows.py" grade --data near-misses.jsonl.gz --out near-graded.jsonl.gz
step explained.jsonl.gz python "$recipe/rows.py" draw --data pool-soft.jsonl.gz --rest rest.jsonl.gz \
  --explained explained.jsonl.gz

# The student: 12 layers, 16,000 tokens.
step words.jsonl sh -c "for i in \$(seq 50); do cat '$recipe/words.jsonl'; done >words.partial; mv words.partial words.jsonl"
step pruned "$gavel" model prune --model "$base" --out pruned --layers 12 --vocabulary 16000 \
  --manifest "$recipe/gavel.json" --corpus "$data/crowdflower-train.jsonl.gz" \
  --corpus "$data/homedepot-train.jsonl.gz" --corpus words.jsonl
for rows in train-soft explained near-graded; do
  step taught-$rows/taught.jsonl "$gavel" train teach --config "$recipe/teach.yaml" --set data=$rows.jsonl.gz \
    --out taught-$rows
done
step evidence-b.jsonl python "$recipe/rows.py" part --data taught-explained/taught.jsonl --seed 3 \
  --rows 12000 4000 --out evidence-a.jsonl evidence-b.jsonl
step near-b.jsonl python "$recipe/rows.py" part --data taught-near-graded/taught.jsonl --seed 4 --rows 3000 --out near-b.jsonl
step rest-b.jsonl.gz python "$recipe/rows.py" part --data rest.jsonl.gz --rows 8000 12000 --out rest-a.jsonl.gz rest-b.jsonl.gz

# Verdict and evidence: first in floats, then with the rounding that it ships with.
step distilled/model "$gavel" train sft --config "$recipe/distill.yaml" --out distilled
step rounded/model "$gavel" train sft --config "$recipe/round.yaml" --out rounded
step gavel-small "$gavel" model quantize --model rounded/model --out gavel-small --bits 4 --group 32 --embedding-bits 8
step calibrated/report.json "$gavel" train calibrate --config "$recipe/calibrate.yaml" --out calibrated
"$gavel" evaluate --model gavel-small --data dev.jsonl.gz
