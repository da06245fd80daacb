"""Makes the goldens of the loss tests: the formulas of TRL in fp64, with their gradients.

    python losses.py [--out ../../../training/src/test/resources/goldens/losses.json]

The layout is TRL's: padded matrices [batch, longest] with masks, where ours is flat. So a token
that is counted for the wrong response, or twice, cannot go unseen. Formulas: DPO as `sigmoid`
(optionally with `sft`) of DPOTrainer, GRPO as `grpo` (sequence) and `bnpo` (token) of GRPOTrainer
with token-level importance ratios, advantages with `scale_rewards` group or none.
"""

import argparse
import json
import pathlib

import torch
import torch.nn.functional as F

torch.set_default_dtype(torch.float64)


def ragged(generator, lengths, low=-3.0, high=-0.01):
    return [low + (high - low) * torch.rand(n, generator=generator) for n in lengths]


def padded(rows):
    longest = max(len(row) for row in rows)
    values = torch.zeros(len(rows), longest)
    mask = torch.zeros(len(rows), longest)
    for i, row in enumerate(rows):
        values[i, :len(row)] = row
        mask[i, :len(row)] = 1
    return values, mask


def flat(values, mask):
    return values[mask.bool()].tolist()


def listed(rows):
    return torch.cat(rows).tolist()


def sft(generator):
    lengths = [1, 5, 3]
    rows = ragged(generator, lengths)
    logps, mask = padded(rows)
    logps.requires_grad_(True)
    loss = -(logps * mask).sum() / mask.sum()
    loss.backward()
    return {"lengths": lengths, "policy": listed(rows), "loss": loss.item(),
            "gradient": flat(logps.grad, mask)}


def dpo(generator, beta, nll):
    sides = {}
    for name, lengths in (("chosen", [4, 1, 7]), ("rejected", [2, 6, 3])):
        rows = ragged(generator, lengths)
        reference = [row + 0.4 * torch.randn(len(row), generator=generator) for row in rows]
        policy, mask = padded(rows)
        sides[name] = (lengths, rows, reference, policy.requires_grad_(True), mask)

    def log_ratios(name):
        _, _, reference, policy, mask = sides[name]
        return (policy * mask).sum(-1) - (padded(reference)[0] * mask).sum(-1)

    margins = beta * (log_ratios("chosen") - log_ratios("rejected"))
    loss = -F.logsigmoid(margins).mean()
    _, _, _, policy, mask = sides["chosen"]
    loss = loss + nll * -policy[mask.bool()].mean()
    loss.backward()
    out = {"beta": beta, "nll": nll, "loss": loss.item(), "margins": margins.tolist()}
    for name, (lengths, rows, reference, policy, mask) in sides.items():
        out[name] = {"lengths": lengths, "policy": listed(rows), "reference": listed(reference),
                     "gradient": flat(policy.grad, mask)}
    return out


def advantages(rewards, group, scaled):
    grouped = rewards.view(-1, group)
    out = rewards - grouped.mean(1).repeat_interleave(group)
    if scaled:
        out = out / (grouped.std(1).repeat_interleave(group) + 1e-4)
    return out


def grpo(generator, mean, low, high, beta, scaled):
    group = 3
    lengths = [4, 1, 6, 2, 2, 5]
    rewards = torch.tensor([1.0, 0.0, 0.0, 0.2, 1.0, 1.0])
    rows = ragged(generator, lengths)
    sampler = [row + 0.3 * torch.randn(len(row), generator=generator) for row in rows]
    reference = [row + 0.5 * torch.randn(len(row), generator=generator) for row in rows]
    policy, mask = padded(rows)
    policy.requires_grad_(True)
    gained = advantages(rewards, group, scaled)
    ratio = torch.exp(policy - padded(sampler)[0])
    clipped = torch.clamp(ratio, 1 - low, 1 + high)
    per_token = -torch.min(ratio * gained.unsqueeze(1), clipped * gained.unsqueeze(1))
    difference = padded(reference)[0] - policy
    kl = torch.exp(difference) - difference - 1
    per_token = per_token + beta * kl
    if mean == "SEQUENCE":
        loss = ((per_token * mask).sum(-1) / mask.sum(-1)).mean()
    else:
        loss = (per_token * mask).sum() / mask.sum()
    loss.backward()
    is_clipped = ((ratio < 1 - low) & (gained.unsqueeze(1) < 0)) | (
        (ratio > 1 + high) & (gained.unsqueeze(1) > 0))
    return {"mean": mean, "low": low, "high": high, "beta": beta, "scaled": scaled, "group": group,
            "lengths": lengths, "rewards": rewards.tolist(), "advantages": gained.tolist(),
            "policy": listed(rows), "sampler": listed(sampler), "reference": listed(reference),
            "loss": loss.item(), "kl": ((kl * mask).sum() / mask.sum()).item(),
            "clipped": ((is_clipped * mask).sum() / mask.sum()).item(),
            "gradient": flat(policy.grad, mask)}


def main():
    parser = argparse.ArgumentParser()
    home = pathlib.Path(__file__).resolve().parents[3]
    parser.add_argument("--out", type=pathlib.Path,
                        default=home / "training/src/test/resources/goldens/losses.json")
    out = parser.parse_args().out
    generator = torch.Generator().manual_seed(20260207)
    goldens = {
        "sft": [sft(generator)],
        "dpo": [dpo(generator, beta, nll) for beta, nll in ((0.1, 0.0), (0.5, 0.0), (0.3, 0.7))],
        "grpo": [grpo(generator, *case) for case in (
            ("SEQUENCE", 0.2, 0.2, 0.0, True),
            ("TOKEN", 0.2, 0.28, 0.02, True),
            ("SEQUENCE", 0.1, 0.3, 0.04, False),
            ("TOKEN", 0.2, 0.2, 0.0, False))],
    }
    out.write_text(json.dumps(goldens) + "\n")


main()
