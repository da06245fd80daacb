"""The peer: Transformers with the prefix computed once and shared by all items.

Driven over pipes by compare.py. One line of JSON on stdin, {"requests": R, "seed": S}, is one round
and is answered by one line on stdout, {"seconds": [...]}. Every request is fresh random tokens:
prefix, then items behind it, then the log-probabilities of the label tokens after each item.

Two ways are timed before the first round, and the faster one is used:
  expanded C  the prefix's KV repeated for C items at a time, items as a batch of equal lengths
  packed      all items as one sequence behind the prefix's KV, kept apart by a 4D mask
In both only the label rows of the head are computed, and no logit matrix is.
"""

import argparse
import json
import pathlib
import sys
import time

import torch
import transformers
from transformers import AutoConfig, AutoModelForCausalLM, DynamicCache

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))
from shapes import SHAPES  # noqa: E402

LABEL_TOKENS = [1, 2, 3, 4]
DTYPES = {"fp32": torch.float32, "bf16": torch.bfloat16}


def load(arguments) -> torch.nn.Module:
    dtype = DTYPES[arguments.dtype]
    if arguments.model:
        return AutoModelForCausalLM.from_pretrained(arguments.model, dtype=dtype).eval()
    shape = dict(vars(SHAPES[arguments.shape]))
    config = AutoConfig.for_model(shape.pop("model_type"), **shape)
    return AutoModelForCausalLM.from_config(config, dtype=dtype).eval()


class Scorer:
    def __init__(self, model, prefix: int, items: int, item_tokens: int):
        self.model = model
        self.body = model.model
        self.label_rows = model.lm_head.weight[LABEL_TOKENS]
        self.prefix, self.items, self.item_tokens = prefix, items, item_tokens
        self.mask = self._packed_mask()
        self.positions = torch.arange(prefix, prefix + item_tokens).repeat(items)[None]

    def _packed_mask(self) -> torch.Tensor:
        """[1, 1, N L, P + N L]: an item sees the prefix and, causally, itself."""
        rows = self.items * self.item_tokens
        item = torch.arange(rows) // self.item_tokens
        own = (item[:, None] == item[None, :]).tril()
        seen = torch.cat([torch.ones(rows, self.prefix, dtype=torch.bool), own], dim=1)
        mask = torch.zeros(seen.shape, dtype=self.model.dtype)
        return mask.masked_fill(~seen, torch.finfo(self.model.dtype).min)[None, None]

    def _prefix(self, tokens: torch.Tensor) -> DynamicCache:
        cache = DynamicCache(config=self.model.config)
        self.body(input_ids=tokens[None], past_key_values=cache, use_cache=True)
        return cache

    def _labels(self, last: torch.Tensor) -> torch.Tensor:
        return (last @ self.label_rows.T).float().log_softmax(-1)

    def expanded(self, prefix, items, chunk: int) -> torch.Tensor:
        shared = self._prefix(prefix)
        kept = [(layer.keys, layer.values) for layer in shared.layers]
        parts = []
        for part in items.split(chunk):
            cache = DynamicCache(config=self.model.config)
            for layer, (keys, values) in enumerate(kept):
                cache.update(keys.expand(len(part), -1, -1, -1), values.expand(len(part), -1, -1, -1), layer)
            hidden = self.body(input_ids=part, past_key_values=cache, use_cache=True).last_hidden_state
            parts.append(self._labels(hidden[:, -1]))
        return torch.cat(parts)

    def packed(self, prefix, items) -> torch.Tensor:
        cache = self._prefix(prefix)
        hidden = self.body(
            input_ids=items.reshape(1, -1), attention_mask=self.mask, position_ids=self.positions,
            past_key_values=cache, use_cache=True).last_hidden_state
        last = torch.arange(1, self.items + 1) * self.item_tokens - 1
        return self._labels(hidden[0, last])

    def ways(self) -> dict:
        chunks = sorted({self.items, (self.items + 1) // 2, (self.items + 3) // 4})
        ways = {f"expanded {c}": lambda p, i, c=c: self.expanded(p, i, c) for c in chunks}
        return ways | {"packed": self.packed}

    def request(self, generator) -> tuple[torch.Tensor, torch.Tensor]:
        vocabulary = self.model.config.vocab_size
        return (torch.randint(vocabulary, (self.prefix,), generator=generator),
                torch.randint(vocabulary, (self.items, self.item_tokens), generator=generator))


def timed(way, request) -> tuple[float, torch.Tensor]:
    start = time.perf_counter()
    result = way(*request)
    return time.perf_counter() - start, result


def choose(scorer: Scorer) -> tuple[str, dict]:
    """The fastest way, best of two after a warm-up; all ways must agree."""
    generator = torch.Generator().manual_seed(0)
    request = scorer.request(generator)
    seconds, results = {}, {}
    for name, way in scorer.ways().items():
        way(*request)
        runs = [timed(way, request) for _ in range(2)]
        seconds[name] = min(run[0] for run in runs)
        results[name] = runs[0][1]
    first = next(iter(results.values()))
    allowed = 1e-3 if scorer.model.dtype is torch.float32 else 0.25  # bf16 keeps 8 bits
    for name, result in results.items():
        apart = (result - first).abs().max().item()
        if apart > allowed:
            raise SystemExit(f"{name}: expected the same scores within {allowed}, found {apart}")
    return min(seconds, key=seconds.get), seconds


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--shape", choices=SHAPES)
    parser.add_argument("--model")
    parser.add_argument("--dtype", choices=DTYPES, default="fp32")
    parser.add_argument("--threads", type=int, required=True)
    parser.add_argument("--prefix", type=int, required=True)
    parser.add_argument("--items", type=int, required=True)
    parser.add_argument("--item-tokens", type=int, required=True)
    arguments = parser.parse_args()
    torch.set_num_threads(arguments.threads)
    transformers.logging.set_verbosity_error()
    transformers.logging.disable_progress_bar()
    with torch.inference_mode():
        model = load(arguments)
        scorer = Scorer(model, arguments.prefix, arguments.items, arguments.item_tokens)
        chosen, seconds = choose(scorer)
        print(json.dumps({"way": chosen, "seconds_by_way": seconds, "torch": torch.__version__,
                          "transformers": transformers.__version__}), flush=True)
        way = scorer.ways()[chosen]
        for line in sys.stdin:
            order = json.loads(line)
            generator = torch.Generator().manual_seed(order["seed"])
            rounds = [timed(way, scorer.request(generator))[0] for _ in range(order["requests"])]
            print(json.dumps({"seconds": rounds}), flush=True)


if __name__ == "__main__":
    main()
