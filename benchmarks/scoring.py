"""The scoring part: every engine answers every request, one after the other."""

import random
import statistics
from dataclasses import dataclass
from math import exp

from field import Field
from peers.catalog import REFERENCE
from rounds import EngineError, in_turn, progress, shown, spread, table
from shapes import Shape


@dataclass(frozen=True)
class Work:
    """Requests of fresh random ids: P prefix tokens, N items of L tokens."""

    prefix: int
    items: int
    item_tokens: int
    vocabulary: int

    @property
    def rows(self) -> int:
        return self.prefix + self.items * self.item_tokens

    def request(self, seed: int) -> dict:
        ids = random.Random(seed)

        def tokens(count: int) -> list[int]:
            return [ids.randrange(self.vocabulary) for _ in range(count)]

        return {"prefix": tokens(self.prefix),
                "items": [tokens(self.item_tokens) for _ in range(self.items)]}


def measure(field: Field, shape: Shape, work: Work, requests: int) -> dict:
    """Answers of all engines, and what they come to."""
    for engine in list(field.engines):
        progress(f"{engine.name}: warming up")
        try:
            engine.about |= engine.ask(op="warm", **work.request(0))
        except EngineError as error:
            field.drop(engine, error)
    before = field.gavel.ask(op="ceiling", rows=work.rows)
    answers = {engine.name: [] for engine in field.engines}
    for number, engine in in_turn(list(field.engines), requests):
        if engine not in field.engines:
            continue
        try:
            answers[engine.name].append(engine.ask(op="score", **work.request(1 + number)))
        except EngineError as error:
            field.drop(engine, error)
            del answers[engine.name]
        if engine is field.gavel:
            progress(f"request {number + 1} of {requests}")
    after = field.gavel.ask(op="ceiling", rows=work.rows)
    # What was possible at one time is a ceiling at any time.
    ceiling = max(before, after, key=lambda found: found["giga_operations_per_second"])
    return {
        "ceiling": ceiling,
        "giga_operations_per_request": shape.operations(work.prefix, work.items, work.item_tokens) * 1e-9,
        "engines": summarize(answers, field.gavel.name, shape, work, ceiling),
        "seconds": {name: [answer["seconds"] for answer in given] for name, given in answers.items()},
    }


def summarize(answers: dict, gavel: str, shape: Shape, work: Work, ceiling: dict) -> dict:
    operations = shape.operations(work.prefix, work.items, work.item_tokens) * 1e-9
    reference = answers.get(" ".join(REFERENCE))
    rows = {}
    for name, given in answers.items():
        rate = operations / statistics.median(answer["seconds"] for answer in given)
        rows[name] = {
            "pairs_per_second": work.items / statistics.median(a["seconds"] for a in given),
            "giga_operations_per_second": rate,
            "fraction_of_ceiling": rate / ceiling["giga_operations_per_second"],
            "gavel_is_faster_by": ratios(given, answers[gavel], "seconds"),
            "gavel_needs_fewer_cpu_seconds_by": ratios(given, answers[gavel], "cpu_seconds"),
            "fidelity": fidelity(given, reference) if reference else None,
        }
    return rows


def ratios(given: list[dict], gavel: list[dict], of: str) -> dict:
    """Of the same request, median and range."""
    return spread([one[of] / max(other[of], 1e-9) for one, other in zip(given, gavel)])


def fidelity(given: list[dict], reference: list[dict]) -> dict:
    """Label probabilities against the reference's, over all items of all requests."""
    same, count, largest, total = 0, 0, 0.0, 0.0
    for one, other in zip(given, reference):
        for row, true in zip(one["log_probabilities"], other["log_probabilities"]):
            same += row.index(max(row)) == true.index(max(true))
            change = max(abs(exp(a) - exp(b)) for a, b in zip(row, true))
            largest, total, count = max(largest, change), total + change, count + 1
    return {"same_best_label": same, "of": count, "largest_change": largest, "mean_change": total / count}


def text(result: dict, items: int) -> str:
    ceiling = result["ceiling"]
    heads = ["scoring", "pairs/s", "G op/s", "of ceiling", "gavel is faster by",
             "by CPU seconds", f"same best of {items}", "largest change"]
    rows = []
    for name, row in result["engines"].items():
        true = row["fidelity"]
        rows.append([
            name, f"{row['pairs_per_second']:.1f}", f"{row['giga_operations_per_second']:.0f}",
            f"{row['fraction_of_ceiling']:.0%}", shown(row["gavel_is_faster_by"]),
            f"{row['gavel_needs_fewer_cpu_seconds_by']['median']:.2f}",
            f"{true['same_best_label'] / true['of'] * items:.1f}" if true else "-",
            f"{true['largest_change']:.1e}" if true else "-"])
    return (f"{result['giga_operations_per_request']:.0f} G operations a request; ceiling "
            f"{ceiling['giga_operations_per_second']:.0f} G op/s by {ceiling['provider']}\n"
            + table(heads, rows))
