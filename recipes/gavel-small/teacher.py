"""Trains the teacher: a cross-encoder, on Home Depot's relevance first, on CrowdFlower's grades then."""

import argparse
import os

import torch
from common import CrossEncoder, batches, collate, encode, read, seeded

BATCH = 32


def train(model, pairs, loss, epochs, rate, rng, after=lambda epoch: None):
    matrices = [p for p in model.parameters() if p.ndim >= 2]
    vectors = [p for p in model.parameters() if p.ndim < 2]
    optimizer = torch.optim.AdamW(
        [{"params": matrices, "weight_decay": 0.01}, {"params": vectors, "weight_decay": 0}], lr=rate
    )
    steps = epochs * ((len(pairs) + BATCH - 1) // BATCH)
    step = 0
    for epoch in range(epochs):
        for own in batches(pairs, BATCH, rng):
            share = min(1, step / (0.06 * steps)) * (steps - step) / steps
            for group in optimizer.param_groups:
                group["lr"] = rate * share
            value = loss(model(collate(pairs, own)), own)
            optimizer.zero_grad()
            value.backward()
            torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
            optimizer.step()
            step += 1
            if step % 100 == 0:
                print(f"step {step}/{steps} loss {value.item():.4f}", flush=True)
        after(epoch)


def metrics(probabilities, grades):
    """Macro-F1, and kappa with quadratic weights."""
    counts = torch.zeros(4, 4)
    for truth, guess in zip(grades, probabilities.argmax(1).tolist()):
        counts[truth, guess] += 1
    hits = counts.diagonal()
    f1 = (2 * hits / (counts.sum(0) + counts.sum(1)).clamp(min=1)).mean()
    place = torch.arange(4.0)
    weights = (place[:, None] - place[None]) ** 2
    chance = torch.outer(counts.sum(1), counts.sum(0)) / counts.sum()
    return f"macro-F1 {f1:.4f}, QWK {1 - (weights * counts).sum() / (weights * chance).sum():.4f}"


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--homedepot", required=True)
    parser.add_argument("--crowdflower", required=True)
    parser.add_argument("--dev", required=True)
    parser.add_argument("--out", required=True)
    parser.add_argument("--seed", type=int, default=1)
    args = parser.parse_args()
    rng = seeded(args.seed)
    model = CrossEncoder()

    rows = read(args.homedepot)
    place = torch.tensor([(row["relevance"] - 1) / 2 for row in rows])
    bce = torch.nn.functional.binary_cross_entropy_with_logits
    train(
        model,
        encode(rows),
        lambda pooled, own: bce(model.relevance(pooled).squeeze(-1), place[own]),
        epochs=1,
        rate=8e-5,
        rng=rng,
    )

    rows = read(args.crowdflower)
    grades = torch.tensor([row["grade"] - 1 for row in rows])
    counts = torch.bincount(grades, minlength=4).float()
    weights = counts.rsqrt() * counts.sum() / counts.sqrt().sum()
    cross_entropy = torch.nn.functional.cross_entropy
    dev = read(args.dev)
    dev_pairs, dev_grades = encode(dev), [row["grade"] - 1 for row in dev]
    train(
        model,
        encode(rows),
        lambda pooled, own: cross_entropy(
            model.grades(pooled), grades[own], weight=weights, label_smoothing=0.05
        ),
        epochs=3,
        rate=5e-5,
        rng=rng,
        after=lambda epoch: print(
            f"epoch {epoch + 1}, dev:", metrics(model.probabilities(dev_pairs), dev_grades), flush=True
        ),
    )
    torch.save(model.state_dict(), args.out + ".partial")
    os.replace(args.out + ".partial", args.out)


if __name__ == "__main__":
    main()
