"""The peer: Transformers with the prefix computed once and shared by all items.

Ways of scoring:
  C items  the prefix's KV repeated for C items at a time, items as a batch of equal lengths
  packed   all items as one sequence behind the prefix's KV, kept apart by a 4D mask
In both only the label rows of the head are computed, and no logit matrix is.
"""

import time

import numpy as np
import torch
import transformers
from transformers import AutoModelForCausalLM, DynamicCache

from worker import Peer, Settings, chunks, serve

DTYPES = {"fp32": torch.float32, "bf16": torch.bfloat16}


class Model:
    def __init__(self, settings: Settings):
        self.device = settings.device
        self.model = AutoModelForCausalLM.from_pretrained(
            settings.model, dtype=DTYPES[settings.variant]).eval().to(self.device)
        self.body = self.model.model
        self.label_rows = self.model.lm_head.weight[settings.labels]

    def _run(self, **inputs) -> torch.Tensor:
        return self.body(**inputs, use_cache=True).last_hidden_state

    def _ids(self, tokens: np.ndarray) -> torch.Tensor:
        return torch.tensor(tokens, device=self.device)

    def _prefix(self, prefix: np.ndarray) -> DynamicCache:
        cache = DynamicCache(config=self.model.config)
        self._run(input_ids=self._ids(prefix)[None], past_key_values=cache)
        return cache

    def _labels(self, last: torch.Tensor) -> np.ndarray:
        return (last @ self.label_rows.T).float().cpu().numpy()

    @torch.inference_mode()
    def expanded(self, prefix: np.ndarray, items: np.ndarray, chunk: int) -> np.ndarray:
        kept = [(layer.keys, layer.values) for layer in self._prefix(prefix).layers]
        parts = []
        for part in self._ids(items).split(chunk):
            cache = DynamicCache(config=self.model.config)
            rows = len(part), -1, -1, -1
            for layer, (keys, values) in enumerate(kept):
                cache.update(keys.expand(rows), values.expand(rows), layer)
            parts.append(self._labels(self._run(input_ids=part, past_key_values=cache)[:, -1]))
        return np.concatenate(parts)

    @torch.inference_mode()
    def packed(self, prefix: np.ndarray, items: np.ndarray) -> np.ndarray:
        count, length = items.shape
        positions = torch.arange(len(prefix), len(prefix) + length, device=self.device).repeat(count)[None]
        hidden = self._run(
            input_ids=self._ids(items).reshape(1, -1), position_ids=positions,
            attention_mask=self._packed_mask(len(prefix), count, length),
            past_key_values=self._prefix(prefix))
        return self._labels(hidden[0, torch.arange(1, count + 1, device=self.device) * length - 1])

    def _packed_mask(self, prefix: int, count: int, length: int) -> torch.Tensor:
        """[1, 1, N L, P + N L]: an item sees the prefix and, causally, itself."""
        rows = count * length
        item = torch.arange(rows, device=self.device) // length
        own = (item[:, None] == item[None, :]).tril()
        seen = torch.cat([torch.ones(rows, prefix, dtype=torch.bool, device=self.device), own], dim=1)
        mask = torch.zeros(seen.shape, dtype=self.model.dtype, device=self.device)
        return mask.masked_fill(~seen, torch.finfo(self.model.dtype).min)[None, None]

    @torch.inference_mode()
    def decode(self, prompt: np.ndarray, count: int) -> tuple[list[int], float]:
        cache = self._prefix(prompt[:-1])
        token = self._ids(prompt[-1:])
        found = []
        for step in range(count + 1):
            if step == 1:  # the first token closes the prompt
                start = time.perf_counter()
            last = self._run(input_ids=token[None], past_key_values=cache)[0, -1]
            token = self.model.lm_head(last).argmax()[None]
            found.append(int(token))
        return found[1:], time.perf_counter() - start


def load(settings: Settings) -> Peer:
    torch.set_num_threads(settings.threads)
    transformers.logging.set_verbosity_error()
    transformers.logging.disable_progress_bar()
    model = Model(settings)
    ways = {f"{c} items": lambda prefix, items, c=c: model.expanded(prefix, items, c)
            for c in chunks(settings.items)}
    about = {"engine": "transformers", "version": transformers.__version__,
             "torch": torch.__version__, "device": settings.device}
    return Peer(about, ways | {"packed": model.packed}, model.decode)


if __name__ == "__main__":
    serve(load)
