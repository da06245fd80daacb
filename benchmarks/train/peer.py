"""The peers: training steps of the same shape in PyTorch, driven over pipes by compare.py.

One line of JSON on stdin, {"steps": S, "seed": N}, is one round and is answered by one line on
stdout, {"tokens_per_second": [...], "tokens_per_cpu_second": [...]}. Real tokens count, padding does not.

  transformers  LlamaForCausalLM, sdpa
  lean          the same transformer in sixty lines, without what a library must carry

Both at their best: batches padded at the right and causal attention without a mask, the head on the
rows with targets only, autocast for bf16 with fp32 weights, fused AdamW, clipping of the norm.
"""

import argparse
import json
import pathlib
import sys
import time

import torch
import torch.nn.functional as F
from torch import nn

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))
from shapes import SHAPES, Shape  # noqa: E402

ROPE_BASE = 1e5


class Norm(nn.Module):
    def __init__(self, width: int):
        super().__init__()
        self.weight = nn.Parameter(torch.ones(width))

    def forward(self, x):
        return F.rms_norm(x.float(), self.weight.shape, self.weight, 1e-5)


class Layer(nn.Module):
    def __init__(self, shape: Shape):
        super().__init__()
        self.shape = shape
        width, inner, size = shape.hidden_size, shape.intermediate_size, shape.head_dim
        self.before, self.between = Norm(width), Norm(width)
        self.q = nn.Linear(width, shape.num_attention_heads * size, bias=False)
        self.k = nn.Linear(width, shape.num_key_value_heads * size, bias=False)
        self.v = nn.Linear(width, shape.num_key_value_heads * size, bias=False)
        self.o = nn.Linear(shape.num_attention_heads * size, width, bias=False)
        self.gate = nn.Linear(width, inner, bias=False)
        self.up = nn.Linear(width, inner, bias=False)
        self.down = nn.Linear(inner, width, bias=False)

    def forward(self, x, cos, sin):
        normed = self.before(x)
        q, k, v = (self._heads(part(normed)) for part in (self.q, self.k, self.v))
        mixed = F.scaled_dot_product_attention(
            rotate(q, cos, sin).to(v.dtype), rotate(k, cos, sin).to(v.dtype), v,
            is_causal=True, enable_gqa=True)
        x = x + self.o(mixed.transpose(1, 2).flatten(2))
        normed = self.between(x)
        return x + self.down(F.silu(self.gate(normed)) * self.up(normed))

    def _heads(self, x):
        return x.unflatten(2, (-1, self.shape.head_dim)).transpose(1, 2)


def rotate(x, cos, sin):
    first, second = x.chunk(2, dim=-1)
    return x * cos + torch.cat((-second, first), dim=-1) * sin


class Lean(nn.Module):
    def __init__(self, shape: Shape, longest: int):
        super().__init__()
        self.embedding = nn.Embedding(shape.vocab_size, shape.hidden_size)
        self.layers = nn.ModuleList(Layer(shape) for _ in range(shape.num_hidden_layers))
        self.last = Norm(shape.hidden_size)
        frequencies = ROPE_BASE ** (-torch.arange(0, shape.head_dim, 2) / shape.head_dim)
        angles = torch.outer(torch.arange(longest), frequencies).repeat(1, 2)
        self.register_buffer("cos", angles.cos())
        self.register_buffer("sin", angles.sin())
        for weight in self.parameters():
            if weight.dim() == 2:
                nn.init.normal_(weight, std=0.02)

    def forward(self, tokens, last):
        x = self.embedding(tokens)
        cos, sin = self.cos[: tokens.shape[1]], self.sin[: tokens.shape[1]]
        for layer in self.layers:
            x = layer(x, cos, sin)
        rows = x[torch.arange(len(last)), last]
        return F.linear(self.last(rows), self.embedding.weight)


class Library(nn.Module):
    def __init__(self, shape: Shape, longest: int):
        from transformers import AutoConfig, AutoModelForCausalLM

        super().__init__()
        words = dict(vars(shape))
        config = AutoConfig.for_model(words.pop("model_type"), **words, attn_implementation="sdpa")
        self.model = AutoModelForCausalLM.from_config(config, dtype=torch.float32)

    def forward(self, tokens, last):
        hidden = self.model.model(input_ids=tokens, use_cache=False).last_hidden_state
        return self.model.lm_head(hidden[torch.arange(len(last)), last])


KINDS = {"lean": Lean, "transformers": Library}


class Run:
    def __init__(self, arguments):
        torch.manual_seed(1)
        self.arguments = arguments
        self.shape = SHAPES[arguments.shape]
        self.model = KINDS[arguments.kind](self.shape, arguments.longest).train()
        self.optimizer = torch.optim.AdamW(self.model.parameters(), lr=1e-5, fused=True)
        self.steps = 0

    def step(self, generator) -> tuple[float, float]:
        """Real tokens per second, and per second of the process's threads, of one optimizer step."""
        a = self.arguments
        span = a.longest - a.shortest + 1
        lengths = torch.tensor([a.shortest + (13 * i + 7 * self.steps) % span for i in range(a.sequences)])
        self.steps += 1
        tokens = torch.randint(self.shape.vocab_size, (a.sequences, int(lengths.max())), generator=generator)
        targets = torch.randint(self.shape.vocab_size, (a.sequences,), generator=generator)
        start, cpu_start = time.perf_counter(), time.process_time()
        with torch.autocast("cpu", torch.bfloat16, enabled=a.dtype == "bf16"):
            logits = self.model(tokens, lengths - 1)
        F.cross_entropy(logits.float(), targets).backward()
        nn.utils.clip_grad_norm_(self.model.parameters(), 1.0)
        self.optimizer.step()
        self.optimizer.zero_grad()
        real = int(lengths.sum())
        return real / (time.perf_counter() - start), real / (time.process_time() - cpu_start)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--kind", choices=KINDS, required=True)
    parser.add_argument("--shape", choices=SHAPES, required=True)
    parser.add_argument("--dtype", choices=["fp32", "bf16"], required=True)
    parser.add_argument("--threads", type=int, required=True)
    parser.add_argument("--sequences", type=int, required=True)
    parser.add_argument("--shortest", type=int, required=True)
    parser.add_argument("--longest", type=int, required=True)
    parser.add_argument("--warm-up", type=int, required=True)
    arguments = parser.parse_args()
    torch.set_num_threads(arguments.threads)
    run = Run(arguments)
    generator = torch.Generator().manual_seed(0)
    for _ in range(arguments.warm_up):
        run.step(generator)
    print(json.dumps({"about": {"torch": torch.__version__}}), flush=True)
    for line in sys.stdin:
        order = json.loads(line)
        generator.manual_seed(order["seed"])
        run.step(generator)  # whatever another engine has put into the caches goes
        rates = [run.step(generator) for _ in range(order["steps"])]
        wall, cpu = zip(*rates)
        print(json.dumps({"tokens_per_second": wall, "tokens_per_cpu_second": cpu}), flush=True)


if __name__ == "__main__":
    main()
