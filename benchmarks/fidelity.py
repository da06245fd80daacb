"""Gavel's answers on a real model against Transformers fp32 on the same token ids.

    benchmarks/target/peers/transformers/bin/python benchmarks/fidelity.py --model MODEL \\
        --query "red shoes" --items items.jsonl --quantization int8

  - labels: `./gavel score --json --tokens` gives the ids it computed on; every surface form of every
    label is evaluated alone, in full, behind each item. Printed: the largest and the mean change of a
    label's probability, how many items change their best label, and the largest difference of a label
    log-probability. The bar: at most .06 and .012, and one best label in 64 items (in a part of 64
    too). Of fp32 more is asked: 1e-3 of a log-probability, and every best label.
  - greedy: `./gavel explain --json --temperature 0` in both orders; the reasoning continues the shown
    prompt and answer. Printed: how many tokens are equal until the first that is not, and the largest
    difference of a log-probability. In fp32 all must be equal; int8 has no bar here, for one near tie
    turns the text.

Exits with 1 where a bar is missed. Runs in the environment of the Transformers peer (peers/setup.py).
"""

import argparse
import dataclasses
import json
import math
import pathlib
import subprocess
import sys

import torch
import transformers
from transformers import AutoModelForCausalLM

HERE = pathlib.Path(__file__).resolve().parent
CHANGE_BAR, MEAN_CHANGE_BAR = .06, .012  # of a label's probability, at most
ITEMS_PER_CHANGED_BEST = 64  # or more
FP32_BAR = 1e-3  # nats of a label's log-probability, at most
ORDERS = "label-first", "think-first"


def gavel(arguments, *command) -> list[dict]:
    """Runs ./gavel; its output is one JSON object a line."""
    how = (["--quantization", arguments.quantization] if arguments.device == "cpu"
           else ["--device", arguments.device])
    run = subprocess.run([str(arguments.gavel), *command, *how], capture_output=True, text=True)
    if run.returncode:
        raise SystemExit(f"gavel {command[0]}: status {run.returncode}: {run.stderr.strip()}")
    return [json.loads(line) for line in run.stdout.splitlines() if line.strip()]


class Reference:
    """Transformers in fp32, one full sequence at a time, without a cache."""

    def __init__(self, directory: str, threads: int | None):
        if threads:
            torch.set_num_threads(threads)
        self.model = AutoModelForCausalLM.from_pretrained(directory, dtype=torch.float32).eval()

    @torch.inference_mode()
    def next_log_probabilities(self, tokens: list[int]) -> torch.Tensor:
        """[vocabulary], after the last token"""
        hidden = self.model(input_ids=torch.tensor([tokens]), use_cache=False, logits_to_keep=1)
        return hidden.logits[0, -1].log_softmax(-1)

    def labels(self, context: list[int], label_tokens: dict[str, list[list[int]]]) -> dict[str, float]:
        """Log-probability of each label, normalized over the labels."""
        rows: dict[tuple, torch.Tensor] = {}

        def row(before: tuple) -> torch.Tensor:
            if before not in rows:
                rows[before] = self.next_log_probabilities(context + list(before))
            return rows[before]

        def form(tokens: list[int]) -> torch.Tensor:
            steps = [row(tuple(tokens[:n]))[token] for n, token in enumerate(tokens)]
            return torch.stack(steps).sum()

        masses = [torch.stack([form(f) for f in _essential(forms)]).logsumexp(0)
                  for forms in label_tokens.values()]
        return dict(zip(label_tokens, torch.stack(masses).log_softmax(0).tolist()))


def _essential(forms: list[list[int]]) -> list[list[int]]:
    """A form that begins with another form of its label adds nothing."""
    distinct = [list(form) for form in dict.fromkeys(map(tuple, forms))]
    return [f for f in distinct if not any(f[:n] in distinct for n in range(1, len(f)))]


@dataclasses.dataclass
class LabelDifferences:
    """Gavel's labels against the reference's, over all judged items."""

    changes: list[float] = dataclasses.field(default_factory=list)  # of each label's probability
    worst_log: float = 0.0  # nats
    items: int = 0
    best_changed: int = 0

    def add(self, true: dict[str, float], item: dict) -> None:
        found = item["log_probabilities"]
        self.changes += [abs(math.exp(true[label]) - math.exp(found[label])) for label in true]
        self.worst_log = max(self.worst_log, *(abs(true[label] - found[label]) for label in true))
        self.best_changed += max(true, key=true.get) != item["label"]
        self.items += 1

    def passed(self, quantization: str, label_bar: float | None) -> bool:
        """label_bar: in place of all others, nats."""
        if not self.items:
            print("labels: expected at least one item that can be judged, found none")
            return False
        if label_bar is not None:
            print(f"labels: {self.items} items; largest difference of a log-probability "
                  f"{self.worst_log:.2e} (bar {label_bar:.2g}); best label changed on {self.best_changed}")
            return self.worst_log <= label_bar
        largest, mean = max(self.changes), sum(self.changes) / len(self.changes)
        best_bar = math.ceil(self.items / ITEMS_PER_CHANGED_BEST)
        log_bar = math.inf
        if quantization == "fp32":
            best_bar, log_bar = 0, FP32_BAR
        print(f"labels, {quantization}: {self.items} items; change of a label's probability: at most "
              f"{largest:.2e} (bar {CHANGE_BAR}), {mean:.2e} in the mean (bar {MEAN_CHANGE_BAR}); "
              f"best label changed on {self.best_changed} (bar {best_bar}); largest difference of a "
              f"log-probability {self.worst_log:.2e}" + (f" (bar {log_bar:.0e})" if log_bar < 1 else ""))
        return (largest <= CHANGE_BAR and mean <= MEAN_CHANGE_BAR and self.best_changed <= best_bar
                and self.worst_log <= log_bar)


def check_labels(arguments, reference: Reference) -> bool:
    answer, = gavel(arguments, "score", "--model", arguments.model, "--query", arguments.query,
                    "--items", arguments.items, "--json", "--tokens")
    differences = LabelDifferences()
    for number, item in enumerate(answer["items"]):
        if item["status"] != "OK":
            print(f"item {number}: {item['status']}, left out")
            continue
        true = reference.labels(answer["prefix_tokens"] + item["suffix_tokens"], answer["label_tokens"])
        differences.add(true, item)
        print(f"\r{number + 1} of {len(answer['items'])} items", end="", file=sys.stderr, flush=True)
    print(file=sys.stderr)
    return differences.passed(arguments.quantization, arguments.label_bar)


def check_greedy(arguments, reference: Reference, item: str, order: str) -> bool:
    events = gavel(arguments, "explain", "--model", arguments.model, "--query", arguments.query,
                   "--item", item, "--order", order, "--temperature", "0",
                   "--max-tokens", str(arguments.max_tokens), "--json")
    verdict = next(e for e in events if e["event"] == "verdict")
    tokens = [e for e in events if e["event"] == "token"]
    context = verdict["prefix_tokens"] + verdict["item"]["suffix_tokens"] + verdict["answer_tokens"]
    equal, worst = 0, 0.0
    for event in tokens:
        row = reference.next_log_probabilities(context)
        best = int(row.argmax())
        if best != event["id"]:
            print(f"greedy, {order}: token {equal}: expected {best}, found {event['id']}")
            break
        worst = max(worst, abs(row[best].item() - event["log_probability"]))
        equal += 1
        context.append(best)
    print(f"greedy, {order}: {equal} of {len(tokens)} tokens equal, largest difference of a "
          f"log-probability {worst:.2e}")
    return len(tokens) > 0 and (equal == len(tokens) or arguments.quantization != "fp32")


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--model", required=True, help="a model directory")
    parser.add_argument("--query", required=True)
    parser.add_argument("--items", required=True, help="JSON lines, as ./gavel score takes them")
    parser.add_argument("--greedy-items", type=int, default=3, help="how many of the items to explain")
    parser.add_argument("--device", default="cpu", help="of Gavel; another than the CPU wants --label-bar")
    parser.add_argument("--label-bar", type=float, metavar="NATS", help="in place of the bars of a CPU")
    parser.add_argument("--max-tokens", type=int, default=64)
    parser.add_argument("--quantization", choices=("fp32", "int8"), default="fp32")
    parser.add_argument("--threads", type=int)
    parser.add_argument("--gavel", type=pathlib.Path, default=HERE.parent / "gavel")
    arguments = parser.parse_args()
    if arguments.device != "cpu" and arguments.label_bar is None:
        parser.error(f"expected --label-bar on {arguments.device}, found none")
    transformers.logging.set_verbosity_error()
    reference = Reference(arguments.model, arguments.threads)
    lines = pathlib.Path(arguments.items).read_text().splitlines()
    items = [json.loads(line) for line in lines[:arguments.greedy_items]]
    passed = [check_labels(arguments, reference)]
    passed += [check_greedy(arguments, reference, item.get("text") or item["title"], order)
               for item in items for order in ORDERS]
    sys.exit(0 if all(passed) else 1)


if __name__ == "__main__":
    main()
