"""Judged pairs as arrays of lexical features; what a model without word knowledge can see."""

import collections
import gzip
import json
import math
import pathlib
import re
from dataclasses import dataclass

import numpy

WORD = re.compile(r"[a-z0-9]+(?:\.[0-9]+)?")
NUMBER = re.compile(r"\d+(?:\.\d+)?")
FEATURES = [
    "bm25_title", "bm25_all", "bm25_title_rank", "coverage_title", "coverage_description",
    "idf_coverage_title", "idf_coverage_all", "jaccard_title", "char3_cosine", "char4_coverage",
    "first_word_in_title", "last_word_in_title", "bigram_coverage", "phrase_in_title",
    "numbers_asked", "numbers_matched", "missing_idf_most", "query_words", "title_words",
    "has_description", "position_of_match",
]


@dataclass(frozen=True)
class Pair:
    query: str
    title: str
    description: str
    grade: int


def read(path: pathlib.Path) -> list[Pair]:
    """JSON Lines with query, title, description and grade; .gz is fine."""
    opened = gzip.open if path.suffix == ".gz" else open
    pairs = []
    with opened(path, "rt", encoding="utf-8") as lines:
        for number, line in enumerate(lines, 1):
            row = json.loads(line)
            missing = [key for key in ("query", "title", "grade") if key not in row]
            if missing:
                raise SystemExit(f"{path}:{number}: expected query, title and grade, found no {missing[0]}")
            pairs.append(Pair(row["query"], row["title"], row.get("description", ""), row["grade"]))
    return pairs


def words(text: str) -> list[str]:
    """Lower-case words and numbers, plural s dropped."""
    found = WORD.findall(text.lower())
    return [w[:-1] if len(w) > 3 and w.endswith("s") and not w.endswith("ss") else w for w in found]


def grams(text: str, size: int) -> collections.Counter:
    padded = f" {' '.join(words(text))} "
    return collections.Counter(padded[i:i + size] for i in range(len(padded) - size + 1))


class Lexicon:
    """Document frequencies and lengths of the training items. Only texts are read, no grades."""

    def __init__(self, pairs: list[Pair]):
        items = {(p.title, p.description) for p in pairs}
        self.count = len(items)
        self.frequency = collections.Counter()
        for title, description in items:
            self.frequency.update(set(words(title)) | set(words(description)))
        self.title_length = sum(len(words(title)) for title, _ in items) / self.count
        self.all_length = sum(len(words(f"{t} {d}")) for t, d in items) / self.count

    def idf(self, word: str) -> float:
        found = self.frequency[word]
        return math.log(1 + (self.count - found + 0.5) / (found + 0.5))

    def bm25(self, query: list[str], document: list[str], mean: float) -> float:
        """Robertson and Zaragoza's BM25 with k1 = 1.2, b = 0.75."""
        counts = collections.Counter(document)
        norm = 1.2 * (0.25 + 0.75 * len(document) / mean)
        return sum(self.idf(w) * 2.2 * counts[w] / (counts[w] + norm) for w in set(query) if counts[w])


def share(part: float, whole: float) -> float:
    return part / whole if whole else 0.0


def cosine(one: collections.Counter, other: collections.Counter) -> float:
    dot = sum(count * other[gram] for gram, count in one.items())
    norms = math.sqrt(sum(c * c for c in one.values()) * sum(c * c for c in other.values()))
    return share(dot, norms)


def features(pair: Pair, lexicon: Lexicon) -> list[float]:
    """In the order of FEATURES; bm25_title_rank is filled in by `matrix`."""
    query, title, body = words(pair.query), words(pair.title), words(pair.description)
    asked, in_title, in_all = set(query), set(title), set(title) | set(body)
    idf = {word: lexicon.idf(word) for word in asked}
    total = sum(idf.values())
    bigrams = set(zip(query, query[1:]))
    query_grams, title_grams = grams(pair.query, 4), grams(pair.title, 4)
    numbers = set(NUMBER.findall(pair.query))
    places = [title.index(word) for word in asked & in_title]
    return [
        lexicon.bm25(query, title, lexicon.title_length),
        lexicon.bm25(query, title + body, lexicon.all_length),
        0.0,
        share(len(asked & in_title), len(asked)),
        share(len(asked & set(body)), len(asked)),
        share(sum(idf[w] for w in asked & in_title), total),
        share(sum(idf[w] for w in asked & in_all), total),
        share(len(asked & in_title), len(asked | in_title)),
        cosine(grams(pair.query, 3), grams(pair.title, 3)),
        share(sum(1 for gram in query_grams if gram in title_grams), len(query_grams)),
        float(bool(query) and query[0] in in_title),
        float(bool(query) and query[-1] in in_title),
        share(len(bigrams & set(zip(title, title[1:]))), len(bigrams)),
        float(" ".join(query) in " ".join(title)),
        len(numbers),
        share(len(numbers & set(NUMBER.findall(pair.title))), len(numbers)),
        max((idf[w] for w in asked - in_all), default=0.0),
        len(query),
        len(title),
        float(bool(body)),
        share(min(places), len(title)) if places else 1.0,
    ]


def matrix(pairs: list[Pair], lexicon: Lexicon) -> numpy.ndarray:
    """[pairs, features]. The rank is the share of the query's items with a lower BM25."""
    values = numpy.array([features(pair, lexicon) for pair in pairs])
    bm25, rank = FEATURES.index("bm25_title"), FEATURES.index("bm25_title_rank")
    rows = collections.defaultdict(list)
    for row, pair in enumerate(pairs):
        rows[pair.query].append(row)
    for own in rows.values():
        scores = values[own, bm25]
        values[own, rank] = [(scores < score).mean() for score in scores]
    return values
