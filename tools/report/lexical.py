"""Baselines of docs/report.md: majority, and balanced logistic regression and gradient boosting on lexical
features of query and title. Prints one JSON object a line."""

import argparse
import gzip
import json
import math
import re
from collections import Counter

import numpy as np
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import accuracy_score, cohen_kappa_score, f1_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler


def read(path):
    with gzip.open(path, "rt", encoding="utf-8") as lines:
        return [json.loads(line) for line in lines]


def words(text):
    """Lower-case words, the plural's s gone."""
    return [w[:-1] if len(w) > 3 and w.endswith("s") else w for w in re.findall(r"[a-z0-9]+", text.lower())]


def grams(text, size=3):
    joined = " ".join(words(text))
    return Counter(joined[i : i + size] for i in range(len(joined) - size + 1))


def cosine(a, b):
    dot = sum(count * b[gram] for gram, count in a.items())
    norm = math.sqrt(sum(c * c for c in a.values()) * sum(c * c for c in b.values()))
    return dot / norm if norm else 0.0


class Features:
    """Weights of words and mean lengths come from the training set alone."""

    def __init__(self, rows):
        self.documents = len(rows)
        self.frequency = Counter(w for row in rows for w in set(words(row["title"])))
        self.mean = {f: np.mean([len(words(row.get(f) or "")) for row in rows]) for f in ("title", "description")}

    def weight(self, word):
        n = self.frequency[word]
        return math.log(1 + (self.documents - n + 0.5) / (n + 0.5))

    def bm25(self, query, text, mean, k=1.2, b=0.75):
        counts = Counter(text)
        length = 1 - b + b * len(text) / max(mean, 1)
        return sum(self.weight(w) * counts[w] * (k + 1) / (counts[w] + k * length) for w in query if counts[w])

    def of(self, row):
        query, title = words(row["query"]), words(row["title"])
        description = words(row.get("description") or "")
        found = [w for w in query if w in title]
        total = sum(map(self.weight, query)) or 1
        numbers = [w for w in query if w.isdigit()]
        return [
            self.bm25(query, title, self.mean["title"]),
            self.bm25(query, description, self.mean["description"]),
            len(found) / max(len(query), 1),
            sum(map(self.weight, found)) / total,
            sum(w in description for w in query) / max(len(query), 1),
            float(query[-1] in title) if query else 0,
            float(query[0] in title) if query else 0,
            float(" ".join(query) in " ".join(title)),
            cosine(grams(row["query"]), grams(row["title"])),
            max((title.index(w) / len(title) for w in found), default=1),
            sum(w in title for w in numbers) / len(numbers) if numbers else -1,
            len(query),
            len(title),
            len(description),
        ]


def metrics(truth, guess):
    good = lambda grades: np.asarray(grades) >= 3
    return {
        "macro_f1": f1_score(truth, guess, average="macro", labels=[1, 2, 3, 4], zero_division=0),
        "qwk": cohen_kappa_score(truth, guess, weights="quadratic"),
        "accuracy": accuracy_score(truth, guess),
        "good_f1": f1_score(good(truth), good(guess)),
    }


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--train", required=True)
    parser.add_argument("--dev", required=True)
    parser.add_argument("--seeds", type=int, default=3)
    args = parser.parse_args()
    train, dev = read(args.train), read(args.dev)
    features = Features(train)
    x, y = np.array([features.of(row) for row in train]), np.array([row["grade"] for row in train])
    xs, truth = np.array([features.of(row) for row in dev]), np.array([row["grade"] for row in dev])
    majority = Counter(y.tolist()).most_common(1)[0][0]
    print(json.dumps({"model": "majority"} | metrics(truth, np.full(len(truth), majority))))
    logistic = make_pipeline(StandardScaler(), LogisticRegression(max_iter=2000, class_weight="balanced"))
    print(json.dumps({"model": "logistic regression"} | metrics(truth, logistic.fit(x, y).predict(xs))))
    for seed in range(args.seeds):
        boosting = HistGradientBoostingClassifier(
            max_iter=200, learning_rate=0.05, max_leaf_nodes=15, class_weight="balanced", random_state=seed, early_stopping=True
        )
        print(json.dumps({"model": "gradient boosting", "seed": seed} | metrics(truth, boosting.fit(x, y).predict(xs))))


if __name__ == "__main__":
    main()
