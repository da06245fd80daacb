"""Makes pairs without judgments, for the teacher to label: queries of people and queries made of words
of titles, each with near, middling and far titles by the encoder."""

import argparse
import random
import re
from collections import Counter

import torch
from common import ENCODER, read, write
from transformers import AutoModel, AutoTokenizer

SMALL_WORDS = set("a and at by for from in inch inches new of on or pack set the to w with".split())
SEED = 7
MADE_PAIRS = 25000


class Encoder:
    def __init__(self):
        self.tokenizer = AutoTokenizer.from_pretrained(ENCODER)
        self.model = AutoModel.from_pretrained(ENCODER).eval()

    def __call__(self, texts, size=128):
        """Unit vectors [texts, width]."""
        out = torch.zeros(len(texts), self.model.config.hidden_size)
        order = sorted(range(len(texts)), key=lambda i: len(texts[i]))
        with torch.inference_mode(), torch.autocast("cpu", torch.bfloat16):
            for begin in range(0, len(order), size):
                own = order[begin : begin + size]
                batch = self.tokenizer(
                    [texts[i] for i in own], padding=True, truncation=True, max_length=40, return_tensors="pt"
                )
                states = self.model(**batch).last_hidden_state.float()
                mask = batch["attention_mask"][..., None].float()
                pooled = (states * mask).sum(1) / mask.sum(1)
                out[own] = torch.nn.functional.normalize(pooled, dim=-1)
        return out


def spans(title):
    """Runs of one to four words that could be asked for."""
    words = re.sub(r"[^\w\s'&-]", " ", title.lower()).split()
    for size in (1, 2, 3, 4):
        for i in range(len(words) - size + 1):
            span = words[i : i + size]
            edges = {span[0], span[-1]} & SMALL_WORDS
            if not edges and not span[-1].isdigit() and all(len(word) > 1 for word in span):
                yield " ".join(span)


def made_queries(titles, rng):
    """Mostly spans that several titles share, as people's words are."""
    own = [sorted(set(spans(title))) for title in titles]
    count = Counter(span for each in own for span in each)
    out = set()
    for each in own:
        longer = [span for span in each if " " in span]
        draws = [
            (0.8, [span for span in longer if count[span] >= 3]),
            (0.25, longer),
            (0.1, [span for span in each if " " not in span and count[span] >= 4]),
        ]
        for chance, choices in draws:
            if choices and rng.random() < chance:
                out.add(rng.choice(choices))
    return sorted(out)


def drawn(query, similarity, titles, near, middling, far, rng):
    """Every other one of the nearest titles, some of the next, some of the rest."""
    order = similarity.argsort(descending=True).tolist()
    places = list(range(0, near * 2, 2))
    places += rng.sample(range(near * 2, 150), middling) + rng.sample(range(150, len(titles)), far)
    return [{"query": query, "title": titles[order[place]]} for place in places]


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--crowdflower", required=True)
    parser.add_argument("--out", required=True)
    args = parser.parse_args()
    rng = random.Random(SEED)
    crowdflower = read(args.crowdflower)
    titles = sorted({row["title"] for row in crowdflower})
    queries = sorted({row["query"].lower() for row in crowdflower})
    made = sorted(set(made_queries(titles, rng)) - set(queries))
    rng.shuffle(made)

    encode = Encoder()
    vectors = encode(titles)
    pairs = []
    for asked, counts, most in [(queries, (12, 20, 12), None), (made, (5, 4, 2), MADE_PAIRS)]:
        own = []
        for query, vector in zip(asked, encode(asked)):
            own += drawn(query, vectors @ vector, titles, *counts, rng)
        rng.shuffle(own)
        pairs += own[:most]
    rng.shuffle(pairs)
    write(args.out, [{"id": f"pool-{i}"} | pair for i, pair in enumerate(pairs)])
    print(f"{len(pairs)} pairs, {len(queries)} queries of people, {len(made)} made")


if __name__ == "__main__":
    main()
