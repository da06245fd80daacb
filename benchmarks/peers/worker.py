"""The line protocol between the driver and an engine, and the frame that every peer here runs in.

One JSON object a line. The engine speaks first, then answers each order with one line:

    (start)                                        {"about": {...}}
    {"op": "warm", "prefix": [..], "items": [[..]]}    {"way": "..", "seconds_by_way": {..}}
    {"op": "score", "prefix": [..], "items": [[..]]}   {"seconds": s, "cpu_seconds": c, "log_probabilities": [[K] N]}
    {"op": "decode", "prompt": [..], "tokens": n}      {"seconds": s, "tokens": [n]}

`score` computes the log-probabilities of the K label tokens after each of N items, normalized over
the labels; its seconds begin with the token ids in memory and end with the scores, and its CPU
seconds are those of all threads of the process. `decode` is
greedy and one stream; its seconds cover n tokens, the first after the prompt not among them.
`warm` times every way that the engine has of doing the same, and keeps the fastest. An order that
fails is answered with {"error": "..."}. `./gavel bench pipe` speaks the same.
"""

import argparse
import json
import os
import pathlib
import shutil
import sys
import time
from dataclasses import dataclass, field
from typing import Callable

import numpy as np

ITEMS = 48  # of a usual request, which batches are laid out for; others are answered as well

Way = Callable[[np.ndarray, np.ndarray], np.ndarray]
"""Prefix ids [P] and item ids [N, L], both int32 -> logits of the labels [N, K]."""


@dataclass(frozen=True)
class Settings:
    """What the driver asks of a peer."""

    model: pathlib.Path
    variant: str
    labels: list[int]
    threads: int
    converted: pathlib.Path
    device: str = "cpu"
    items: int = ITEMS

    def convert(self, name: str, make: Callable[[pathlib.Path], None]) -> pathlib.Path:
        """The model in an engine's own format: what `make` wrote at the path that it was given,
        now or in an earlier run."""
        path = self.converted / name
        if not path.exists():
            unfinished = path.with_name(path.name + ".unfinished")
            if unfinished.is_dir():
                shutil.rmtree(unfinished)
            unfinished.parent.mkdir(parents=True, exist_ok=True)
            make(unfinished)
            unfinished.rename(path)
        return path


@dataclass
class Peer:
    """An engine with a model, ready to run."""

    about: dict
    ways: dict[str, Way] = field(default_factory=dict)
    decode: Callable[[np.ndarray, int], tuple[list[int], float]] | None = None
    """Prompt ids [P] and a count -> that many tokens after the first one, and their seconds."""


def chunks(items: int) -> list[int]:
    """Numbers of items to compute at a time that are worth a try: all, half and a quarter."""
    return sorted({items, (items + 1) // 2, (items + 3) // 4}, reverse=True)


def log_softmax(logits: np.ndarray) -> np.ndarray:
    logits = logits.astype(np.float64)
    shifted = logits - logits.max(-1, keepdims=True)
    return shifted - np.log(np.exp(shifted).sum(-1, keepdims=True))


class Worker:
    def __init__(self, peer: Peer):
        self.peer = peer
        self.way = next(iter(peer.ways.values()), None)

    def warm(self, order: dict) -> dict:
        """The fastest way, by one run (two if they are short) after a first one, which rules out a
        slow way."""
        random = np.random.default_rng(0)

        def run(way: Way) -> float:
            # In a new order every time: an engine may remember what it has seen.
            fresh = {part: random.permuted(order[part]) for part in ("prefix", "items")}
            return self._timed(way, fresh)[0]

        seconds = {}
        for name, way in self.peer.ways.items():
            seconds[name] = run(way)
            if seconds[name] < 1.5 * min(seconds.values()):
                seconds[name] = min(run(way) for _ in range(1 if seconds[name] > 1 else 2))
        fastest = min(seconds, key=seconds.get)
        self.way = self.peer.ways[fastest]
        self.peer.ways = {fastest: self.way}  # the others give their memory back
        return {"way": fastest, "seconds_by_way": seconds}

    def score(self, order: dict) -> dict:
        cpu_start = time.process_time()
        seconds, logits = self._timed(self.way, order)
        return {"seconds": seconds, "cpu_seconds": time.process_time() - cpu_start,
                "log_probabilities": log_softmax(logits).tolist()}

    def decode(self, order: dict) -> dict:
        if self.peer.decode is None:
            raise ValueError("this peer does not decode")
        tokens, seconds = self.peer.decode(np.asarray(order["prompt"], np.int32), order["tokens"])
        if len(tokens) != order["tokens"]:
            raise ValueError(f"expected {order['tokens']} tokens, found {len(tokens)}")
        return {"seconds": seconds, "tokens": [int(token) for token in tokens]}

    @staticmethod
    def _timed(way: Way, order: dict) -> tuple[float, np.ndarray]:
        prefix = np.asarray(order["prefix"], np.int32)
        items = np.asarray(order["items"], np.int32)
        start = time.perf_counter()
        logits = way(prefix, items)
        return time.perf_counter() - start, np.asarray(logits)


def serve(load: Callable[[Settings], Peer]):
    """Loads the peer that the command line describes, then answers orders until input ends."""
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)  # libraries print what they like; standard output carries answers only
    settings = _settings()

    def answer(message: dict):
        answers.write(json.dumps(message) + "\n")
        answers.flush()

    try:
        peer = load(settings)
        worker = Worker(peer)
        answer({"about": peer.about | {"variant": settings.variant, "threads": settings.threads}})
    except Exception as error:  # whatever it is, the driver reports it and goes on without
        answer({"error": _said(error)})
        raise SystemExit(1)
    operations = {"warm": worker.warm, "score": worker.score, "decode": worker.decode}
    for line in sys.stdin:
        order = json.loads(line)
        try:
            answer(operations[order["op"]](order))
        except Exception as error:
            answer({"error": _said(error)})


def _said(error: Exception) -> str:
    return f"{type(error).__name__}: {' '.join(str(error).split())[:400]}"


def _settings() -> Settings:
    parser = argparse.ArgumentParser()
    parser.add_argument("--model", type=pathlib.Path, required=True, help="a model directory")
    parser.add_argument("--variant", required=True, help="element type or quantization")
    parser.add_argument("--labels", type=lambda ids: [int(i) for i in ids.split(",")], required=True)
    parser.add_argument("--threads", type=int, required=True)
    parser.add_argument("--converted", type=pathlib.Path, required=True,
                        help="folder for this model in other engines' formats")
    parser.add_argument("--device", default="cpu", help="cpu or cuda:N")
    parser.add_argument("--items", type=int, default=ITEMS, help="of the requests to come")
    return Settings(**vars(parser.parse_args()))
