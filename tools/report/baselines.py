"""What needs no language model: majority, and two classifiers on lexical features.

    python tools/report/baselines.py --train train.jsonl.gz --dev dev.jsonl.gz --out baselines.json

Prints and writes macro-F1, QWK, accuracy and Good-F1 (grades 3 and 4 as one class) on the dev set:
mean and standard deviation over seeds. Needs numpy, scikit-learn and lightgbm.
"""

import argparse
import json
import pathlib

import lightgbm
import numpy
import sklearn
from pairs import FEATURES, Lexicon, matrix, read
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import accuracy_score, cohen_kappa_score, f1_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

GOOD = 3
"""The lowest grade whose tier is Good."""


def metrics(truth: numpy.ndarray, said: numpy.ndarray) -> dict[str, float]:
    return {
        "macro_f1": f1_score(truth, said, average="macro", zero_division=0),
        "qwk": cohen_kappa_score(truth, said, weights="quadratic"),
        "accuracy": accuracy_score(truth, said),
        "good_f1": f1_score(truth >= GOOD, said >= GOOD, zero_division=0),
    }


class Majority:
    """The grade that is most frequent in training."""

    def fit(self, x, y):
        grades, counts = numpy.unique(y, return_counts=True)
        self.grade = grades[counts.argmax()]
        return self

    def predict(self, x):
        return numpy.full(len(x), self.grade)


def logistic(seed: int):
    return make_pipeline(
        StandardScaler(), LogisticRegression(C=0.3, class_weight="balanced", max_iter=2000, random_state=seed))


def boosting(seed: int):
    # Few leaves and heavy bagging: there are a hundred queries or two, and pairs of one are alike.
    return lightgbm.LGBMClassifier(
        n_estimators=250, learning_rate=0.03, num_leaves=12, min_child_samples=40, subsample=0.7,
        subsample_freq=1, colsample_bytree=0.6, reg_lambda=5.0, class_weight="balanced",
        random_state=seed, deterministic=True, force_row_wise=True, n_jobs=1, verbose=-1)


def bootstrap(pairs, seed: int) -> numpy.ndarray:
    """Rows of queries drawn with replacement; all rows in order for seed 0."""
    queries: dict[str, list[int]] = {}
    for row, pair in enumerate(pairs):
        queries.setdefault(pair.query, []).append(row)
    if seed == 0:
        return numpy.arange(len(pairs))
    groups = list(queries.values())
    drawn = numpy.random.default_rng(seed).integers(len(groups), size=len(groups))
    return numpy.concatenate([groups[i] for i in drawn])


MODELS = {
    "majority": (lambda seed: Majority(), None),
    "logistic regression, BM25": (logistic, ["bm25_title", "bm25_all"]),
    "logistic regression, all": (logistic, FEATURES),
    "gradient boosting, all": (boosting, FEATURES),
}


def run(name: str, train, dev, seeds: int) -> dict:
    """Seed 0 is trained on all queries, the others on draws of them."""
    make, used = MODELS[name]
    columns = [FEATURES.index(feature) for feature in used or FEATURES]
    lexicon = Lexicon(train)
    x, y = matrix(train, lexicon)[:, columns], numpy.array([pair.grade for pair in train])
    dev_x, truth = matrix(dev, lexicon)[:, columns], numpy.array([pair.grade for pair in dev])
    runs = []
    for seed in range(seeds):
        rows = bootstrap(train, seed)
        runs.append(metrics(truth, make(seed).fit(x[rows], y[rows]).predict(dev_x)))
    drawn = runs[1:] or runs
    return {"all_queries": runs[0],
            "draws_mean": {key: float(numpy.mean([r[key] for r in drawn])) for key in runs[0]},
            "draws_deviation": {key: float(numpy.std([r[key] for r in drawn])) for key in runs[0]}}


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--train", type=pathlib.Path, required=True)
    parser.add_argument("--dev", type=pathlib.Path, required=True)
    parser.add_argument("--out", type=pathlib.Path)
    parser.add_argument("--seeds", type=int, default=6, help="the first on all queries, the others on draws")
    arguments = parser.parse_args()
    train, dev = read(arguments.train), read(arguments.dev)
    shared = {pair.query for pair in train} & {pair.query for pair in dev}
    if shared:
        raise SystemExit(f"expected other queries in --dev than in --train, found {len(shared)} in both")
    result = {"train": len(train), "dev": len(dev), "seeds": arguments.seeds,
              "versions": {"sklearn": sklearn.__version__, "lightgbm": lightgbm.__version__},
              "models": {name: run(name, train, dev, arguments.seeds) for name in MODELS}}
    text = json.dumps(result, indent=1)
    print(text)
    if arguments.out:
        arguments.out.write_text(text + "\n")


if __name__ == "__main__":
    main()
