"""Makes the goldens of the evaluation tests: random verdicts, judged by scikit-learn and NumPy.

    python metrics.py [--out ../../../training/src/test/resources/goldens/metrics.json]

Awkward on purpose: a class that is never predicted, one that never occurs, ties at the top, a
probability of exactly 1, and confidences on the edges of the bins.
"""

import argparse
import json
import pathlib

import numpy
from sklearn.metrics import accuracy_score, cohen_kappa_score, f1_score

BINS = 15


def verdicts(generator, n, classes, never=(), skew=2.0):
    truth = generator.integers(classes, size=n)
    logits = generator.normal(size=(n, classes)) * skew
    logits[numpy.arange(n), truth] += 1.0
    for c in never:
        logits[:, c] = -30.0
    probabilities = numpy.exp(logits)
    probabilities /= probabilities.sum(axis=1, keepdims=True)
    return truth, probabilities


def ece(truth, probabilities):
    confidence = probabilities.max(axis=1)
    right = probabilities.argmax(axis=1) == truth
    edges = numpy.linspace(0, 1, BINS + 1)
    total = 0.0
    for low, high in zip(edges[:-1], edges[1:]):
        inside = (confidence > low) & (confidence <= high)
        if inside.any():
            total += inside.mean() * abs(right[inside].mean() - confidence[inside].mean())
    return total


def cumulative(probabilities, threshold):
    reached = numpy.cumsum(probabilities, axis=1) >= threshold
    reached[:, -1] = True
    return reached.argmax(axis=1)


def metrics(truth, predicted, classes, good):
    is_good = numpy.isin(truth, good)
    return {
        "accuracy": accuracy_score(truth, predicted),
        "macroF1": f1_score(truth, predicted, average="macro", zero_division=0),
        "perClassF1": f1_score(truth, predicted, average=None, labels=range(classes),
                               zero_division=0).tolist(),
        "qwk": cohen_kappa_score(truth, predicted, labels=range(classes), weights="quadratic"),
        "goodF1": f1_score(is_good, numpy.isin(predicted, good), zero_division=0),
    }


def case(name, truth, probabilities, good):
    classes = probabilities.shape[1]
    grid = (numpy.arange(999) + 1) / 1000
    curve = [f1_score(truth, cumulative(probabilities, b), average="macro", zero_division=0)
             for b in grid]
    return {
        "name": name,
        "good": good,
        "truth": truth.tolist(),
        "probabilities": probabilities.tolist(),
        "argmax": metrics(truth, probabilities.argmax(axis=1), classes, good),
        "cumulative": {str(b): metrics(truth, cumulative(probabilities, b), classes, good)
                       for b in (0.1, 0.37, 0.5, 0.9, 1.0)},
        "ece": ece(truth, probabilities),
        "bestOnGrid": max(curve),
        "curve": {str(b): curve[int(round(b * 1000)) - 1] for b in (0.05, 0.25, 0.5, 0.75, 0.95)},
    }


def main():
    parser = argparse.ArgumentParser()
    home = pathlib.Path(__file__).resolve().parents[3]
    parser.add_argument("--out", type=pathlib.Path,
                        default=home / "training/src/test/resources/goldens/metrics.json")
    out = parser.parse_args().out
    generator = numpy.random.default_rng(20260207)
    cases = [case("four", *verdicts(generator, 207, 4), good=[0, 1]),
             case("never-predicted", *verdicts(generator, 61, 4, never=(2,)), good=[0, 1]),
             case("two", *verdicts(generator, 13, 2), good=[0])]
    truth, probabilities = verdicts(generator, 40, 5)
    truth[truth == 4] = 0
    probabilities[0] = [0, 1, 0, 0, 0]
    probabilities[1] = [0.4, 0.4, 0.2, 0, 0]
    probabilities[2] = [0.6, 0.1, 0.1, 0.1, 0.1]
    cases.append(case("edges", truth, probabilities, good=[0, 1]))
    out.parent.mkdir(parents=True, exist_ok=True)
    out.write_text(json.dumps({"bins": BINS, "cases": cases}) + "\n")


main()
