"""The decoding part (one stream, greedy), and the two prompt orders of Gavel's scoring."""

import random
import statistics

from field import Field, gavel_flags
from rounds import EngineError, in_turn, output_of, progress, shown, spread, table

PROMPT_TOKENS = 160


class Explain:
    """`./gavel bench explain`, one process a round."""

    def __init__(self, field: Field):
        a = field.arguments
        self.name = field.gavel.name
        self.command = [a.gavel, "bench", "explain", "--model", field.model, *gavel_flags(a), "--json"]

    def run(self) -> dict:
        answer = output_of(self.command)
        if answer["streams"] != 1:
            raise EngineError(f"bench explain: expected one stream, found {answer['streams']}")
        return answer


def measure_decode(field: Field, vocabulary: int, tokens: int, rounds: int) -> dict:
    """Tokens per second of every engine that decodes."""
    explain = Explain(field)
    found = {explain.name: [], **{engine.name: [] for engine in field.decoders}}
    details = []
    for number, engine in in_turn([explain, *field.decoders], rounds):
        if engine.name not in found:
            continue
        progress(f"decoding, round {number + 1} of {rounds}: {engine.name}")
        try:
            if engine is explain:
                details.append(explain.run())
                rate = details[-1]["tokens_per_second"]
            else:
                ids = random.Random(number)
                prompt = [ids.randrange(vocabulary) for _ in range(PROMPT_TOKENS)]
                rate = tokens / engine.ask(op="decode", prompt=prompt, tokens=tokens)["seconds"]
            found[engine.name].append(rate)
        except EngineError as error:
            field.skip(f"{engine.name}, decoding", error)
            del found[engine.name]
    gavel = found.get(explain.name)
    return {"prompt_tokens": PROMPT_TOKENS, "tokens": tokens, "gavel": details, "engines": {
        name: {"tokens_per_second": statistics.median(rates), "rounds": rates,
               "gavel_is_faster_by": spread([a / b for a, b in zip(gavel, rates)]) if gavel else None}
        for name, rates in found.items()}}


def decode_text(result: dict) -> str:
    rows = [[name, f"{row['tokens_per_second']:.1f}",
             shown(row["gavel_is_faster_by"]) if row["gavel_is_faster_by"] else "-"]
            for name, row in result["engines"].items()]
    lines = [table(["decoding, one stream", "tokens/s", "gavel is faster by"], rows)]
    if result["gavel"]:
        share = statistics.median(one["fraction_of_bandwidth"] for one in result["gavel"])
        speed = statistics.median(one["bandwidth_gb_per_second"] for one in result["gavel"])
        lines.append(f"gavel reads weights at {share:.0%} of {speed:.1f} GB/s")
    return "\n".join(lines)


def measure_orders(field: Field, query_tokens: int, rounds: int) -> dict | None:
    """Pairs per second in the usual order, and on items whose keys and values are cached; Gavel takes both in turn."""
    a = field.arguments
    command = [a.gavel, "bench", "score", "--model", field.model, *gavel_flags(a),
               "--prefix", a.prefix, "--items", a.items, "--item-tokens", a.item_tokens,
               "--order", "item-first", "--query-tokens", query_tokens, "--requests", a.requests, "--json"]
    found = []
    try:
        for number in range(rounds):
            progress(f"prompt orders, round {number + 1} of {rounds}")
            found.append(output_of(command))
    except EngineError as error:
        field.skip("item-first", error)
        return None
    return {"query_tokens": query_tokens,
            "pairs_per_second": {"query-first": [one["pairs_per_second"] for one in found],
                                 "item-first": [one["item_first"]["pairs_per_second"] for one in found]},
            "item_first_is_faster_by": spread([one["item_first"]["times_query_first"] for one in found])}


def orders_text(result: dict) -> str:
    rows = [[name, f"{statistics.median(rates):.1f}"]
            for name, rates in result["pairs_per_second"].items()]
    return (table(["prompt order, hot items", "pairs/s"], rows)
            + f"\nitem-first is faster by {shown(result['item_first_is_faster_by'])}")
