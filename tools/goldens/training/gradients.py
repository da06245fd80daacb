"""Makes the goldens of the gradient tests: what Transformers' autograd says in fp64 of the native
module's tiny checkpoints.

    python gradients.py [--goldens ../../../native/src/test/resources/goldens]
                        [--out ../../../training/src/test/resources/goldens/gradients.json]

The loss is the mean cross-entropy of the response tokens of three sequences, each evaluated alone.
Whole gradients would be megabytes; kept of each are its norm and two weighted sums, with weights
cos(0.37 i + 1) and sin(0.53 i + 2) of the flat index i. A wrong, missing or displaced element
changes them.
"""

import argparse
import json
import pathlib
import sys

import torch

home = pathlib.Path(__file__).resolve().parents[3]
sys.path.insert(0, str(home / "tools/goldens"))

from make import Evaluator, Exact  # noqa: E402

SHAPES = [(5, 1), (1, 4), (17, 6)]  # tokens of prompt and response


def sequences(vocabulary):
    generator = torch.Generator().manual_seed(4)
    draw = lambda n: torch.randint(vocabulary, (n,), generator=generator).tolist()  # noqa: E731
    return [(draw(prompt), draw(response)) for prompt, response in SHAPES]


def loss_of(model, pairs):
    logs = []
    for prompt, response in pairs:
        ids = torch.tensor([prompt + response])
        rows = model(input_ids=ids, use_cache=False).logits[0].log_softmax(-1)
        for i, token in enumerate(response):
            logs.append(rows[len(prompt) - 1 + i, token])
    return -torch.stack(logs).mean()


def by_hub_name(model):
    """Name and gradient as in the checkpoint: fused experts are taken apart."""
    for name, parameter in model.named_parameters():
        gradient = parameter.grad
        if name.endswith("experts.gate_up_proj"):
            half = gradient.shape[1] // 2
            for expert, both in enumerate(gradient):
                prefix = name.removesuffix("gate_up_proj") + f"{expert}."
                yield prefix + "gate_proj.weight", both[:half]
                yield prefix + "up_proj.weight", both[half:]
        elif name.endswith("experts.down_proj"):
            for expert, own in enumerate(gradient):
                yield name.removesuffix("down_proj") + f"{expert}.down_proj.weight", own
        else:
            yield name, gradient


def digest(gradient):
    flat = gradient.reshape(-1)
    i = torch.arange(flat.numel(), dtype=torch.float64)
    return [flat.norm().item(), (flat * (0.37 * i + 1).cos()).sum().item(),
            (flat * (0.53 * i + 2).sin()).sum().item()]


def case(directory):
    evaluator = Evaluator(directory, exact=True)
    model = evaluator.model
    # Transformers gives the padding token's row no gradient; here nothing is padding.
    model.get_input_embeddings().padding_idx = None
    pairs = sequences(model.config.vocab_size)
    with Exact():
        loss = loss_of(model, pairs)
    loss.backward()
    return {
        "name": directory.name,
        "prompts": [prompt for prompt, _ in pairs],
        "responses": [response for _, response in pairs],
        "loss": loss.item(),
        "gradients": {name: digest(gradient) for name, gradient in by_hub_name(model)},
    }


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--goldens", type=pathlib.Path,
                        default=home / "native/src/test/resources/goldens")
    parser.add_argument("--out", type=pathlib.Path,
                        default=home / "training/src/test/resources/goldens/gradients.json")
    arguments = parser.parse_args()
    cases = [case(d) for d in sorted(arguments.goldens.iterdir()) if (d / "config.json").exists()]
    arguments.out.write_text(json.dumps(cases) + "\n")


main()
