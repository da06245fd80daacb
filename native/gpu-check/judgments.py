"""What two servers said of the same pairs, and by how much bf16 lets them differ.

Every rounding to bf16 moves what is rounded by a relative 2^-9 at most. About ROUNDINGS of them a layer end in the
hidden state h: those of the activations, as in the parity of the engines, and the rounding of the weights in each
of the four products, which a checkpoint in fp32 adds. They add up like independent errors, so h is off by a
relative e = 2^-9 sqrt(ROUNDINGS layers), in no special direction. A difference of two labels' logits is h (a - b), a
and b their rows of the head; it is off by e |h| |a - b| / sqrt(width), |h| being about the length of the
last norm's weight. A log-probability normalized over the labels moves by at most the largest such difference. Three
times that is the limit. (Transformers itself, in bf16 on a CPU, is off by a fifth of it on request.json.)
"""

import itertools
import json
import math
import pathlib
import struct

from check import Failed

ROUNDINGS = 12 + 4
ROUNDING = 2.0**-9
DEVIATIONS = 3


class Limit:
    """Reads a model directory with one file of fp32 weights."""

    def __init__(self, directory: pathlib.Path):
        config = json.loads((directory / "config.json").read_text())
        self.error = ROUNDING * math.sqrt(ROUNDINGS * config["num_hidden_layers"])
        self.width = config["hidden_size"]
        self.file = directory / "model.safetensors"
        with open(self.file, "rb") as file:
            size, = struct.unpack("<Q", file.read(8))
            self.tensors = json.loads(file.read(size))
            self.begin = 8 + size

    def of_labels(self, label_tokens: dict[str, list[list[int]]]) -> float:
        """Nats, of a label's log-probability."""
        norm = self.row("model.norm.weight", 0)
        head = "lm_head.weight" if "lm_head.weight" in self.tensors else "model.embed_tokens.weight"
        rows = [self.row(head, token) for forms in label_tokens.values() for form in forms for token in form]
        apart = max(math.dist(a, b) for a, b in itertools.combinations(rows, 2))
        return DEVIATIONS * self.error * math.hypot(*norm) * apart / math.sqrt(self.width)

    def row(self, name: str, number: int) -> tuple[float, ...]:
        tensor = self.tensors[name]
        if tensor["dtype"] != "F32":
            raise Failed(f"{self.file}: {name}: expected F32, found {tensor['dtype']}")
        with open(self.file, "rb") as file:
            file.seek(self.begin + tensor["data_offsets"][0] + 4 * self.width * number)
            return struct.unpack(f"<{self.width}f", file.read(4 * self.width))


def device(answer: dict | list[dict]) -> str:
    """Of a Score answer, or of the events of an Explain one."""
    return answer["model"]["device"] if isinstance(answer, dict) else only(answer, "verdict")["model"]["device"]


def only(events: list[dict], kind: str) -> dict:
    found = [event for event in events if event["event"] == kind]
    if len(found) != 1:
        raise Failed(f"expected one event {kind}, found {len(found)} in {[event['event'] for event in events]}")
    return found[0]


def apart(one: dict[str, float], other: dict[str, float]) -> float:
    """The largest difference of a label's log-probability; NaN where any is."""
    if one.keys() != other.keys():
        raise Failed(f"expected the same labels, found {sorted(one)} and {sorted(other)}")
    differences = [abs(one[label] - other[label]) for label in one]
    return math.nan if any(map(math.isnan, differences)) else max(differences)


def difference(found: dict, true: dict) -> float:
    """Of two Score answers to the same request."""
    if len(found["items"]) != len(true["items"]) or not found["items"]:
        raise Failed(f"expected {len(true['items'])} items, found {len(found['items'])}")
    for item in found["items"] + true["items"]:
        if item["status"] != "OK":
            raise Failed(f"expected a judgment of every item, found {item['status']}: {item.get('message')}")
        if abs(sum(item["distribution"].values()) - 1) > 1e-5:
            raise Failed(f"expected a distribution that sums to 1, found {item['distribution']}")
    pairs = [apart(one["log_probabilities"], other["log_probabilities"])
             for one, other in zip(found["items"], true["items"])]
    return math.nan if any(map(math.isnan, pairs)) else max(pairs)


def verdict_difference(events: list[dict], score: dict) -> float:
    """The verdict of an explanation beside the score of the same item, the request's first."""
    return apart(only(events, "verdict")["item"]["log_probabilities"], score["items"][0]["log_probabilities"])


def check_explanation(events: list[dict], order: str, tokens: int):
    last = only(events, "final")
    if not 0 < last["generated_tokens"] or events[-1] is not last:
        raise Failed(f"{order}: expected tokens and then the end, found {last['generated_tokens']} tokens")
    for event in events:
        if event["event"] == "token" and not event["log_probability"] <= 1e-6:
            raise Failed(f"{order}: expected log-probabilities, found {event['log_probability']}")
    distribution = last["item"]["distribution"]
    if abs(sum(distribution.values()) - 1) > 1e-5:
        raise Failed(f"{order}: expected a distribution that sums to 1, found {distribution}")


def equal_tokens(found: list[dict], true: list[dict]) -> int:
    """How many tokens are the same from the beginning on; bf16 may tip a near tie."""
    ids = [[event["id"] for event in events if event["event"] == "token"] for events in (found, true)]
    return sum(1 for _ in itertools.takewhile(lambda pair: pair[0] == pair[1], zip(*ids)))


def printed_difference(said: str) -> float:
    """From what benchmarks/fidelity.py prints."""
    line = next((line for line in said.splitlines() if line.startswith("labels:")), None)
    if line is None:
        raise Failed("expected fidelity.py to print a line on labels, found none")
    return float(line.split("log-probability ")[1].split()[0])
