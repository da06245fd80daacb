"""Steps on rates: the ceilings, scoring, decoding and the verdict of the whole engine, and Transformers."""

import json
import pathlib
import sys

from check import NATIVE, ROOT, Check, Failed, Row, Skipped, has_module, last_line, require_transformers
from serving import Server, bench_command, environment, unpacked

# prefix, items, tokens of an item, bar as a part of the limit, items a second that the bar names
WORK = ((150, 100, 150, 0.6, None), (120, 10, 180, None, 3000))
REHEARSED_WORK = ((15, 4, 15, None, None),)
STREAMS = (1, 32)
REHEARSED_STREAMS = (1, 2)
FP8_BAR = 0.5  # of what the FP8 product allows
DECODE_BAR = 0.7
VERDICT_MOST = 1.1  # times a scoring call of one item


def shape(check: Check) -> str:
    return "small-12m" if check.rehearses else "qwen3-0.6b"


def ceilings(check: Check) -> list[Row]:
    if not has_module("torch"):
        raise Skipped("PyTorch is not there")
    found = json.loads(last_line(check.run([sys.executable, NATIVE / "gpu-check" / "ceilings.py", check.device])))
    rows = [Row("bf16 product", found["bf16_tflops"], "TFLOP/s"), Row("copy", found["copy_gigabytes"], "GB/s")]
    if "fp8_tflops" in found:
        rows.append(Row("fp8 product", found["fp8_tflops"], "TFLOP/s"))
    return rows


def ceiling_flags(check: Check, product: str = "bf16 product") -> list[str]:
    """Of a device; a CPU's are measured by the command itself."""
    if check.rehearses:
        return []
    peak, copy = check.figure("ceilings", product), check.figure("ceilings", "copy")
    if peak is None or copy is None:
        raise Failed("expected the ceilings, which the step ceilings measures, found none")
    return ["--peak", str(1e3 * peak), "--bandwidth", str(copy)]


def score(check: Check) -> list[Row]:
    rows = []
    for prefix, items, tokens, bar, least in REHEARSED_WORK if check.rehearses else WORK:
        found = bench_command(check, "score", "--shape", shape(check), "--prefix", prefix, "--items", items,
                              "--item-tokens", tokens, "--requests", 20, *ceiling_flags(check))
        what = f"score, prefix {prefix}, {items} items of {tokens}"
        rate, limit = found["pairs_per_second"], items / found["limit_seconds"]
        rows.append(Row(what, rate, "items/s", limit, bar))
        if least:
            rows.append(Row(f"{what}: beside the bar", rate, "items/s", least, 1.0))
    return rows


def score_fp8(check: Check) -> list[Row]:
    """The larger of the two works in FP8, beside its own product's rate."""
    product = "fp8 product"
    if check.figure("ceilings", product) is None:
        raise Skipped("the ceilings have no FP8 product: the device has none, or PyTorch")
    prefix, items, tokens, _, _ = WORK[0]
    found = bench_command(check, "score", "--shape", shape(check), "--quantization", "fp8", "--prefix", prefix,
                          "--items", items, "--item-tokens", tokens, "--requests", 20,
                          *ceiling_flags(check, product))
    return [Row(f"score in FP8, prefix {prefix}, {items} items of {tokens}", found["pairs_per_second"], "items/s",
                items / found["limit_seconds"], FP8_BAR)]


def explain(check: Check) -> list[Row]:
    rows = []
    for streams in REHEARSED_STREAMS if check.rehearses else STREAMS:
        found = bench_command(check, "explain", "--shape", shape(check), "--streams", streams,
                              "--rounds", 1 if check.rehearses else 4, *ceiling_flags(check))
        rows.append(Row(f"decode, {streams} streams", found["tokens_per_second"], "tokens/s",
                        found["limit_tokens_per_second"], None if check.rehearses else DECODE_BAR))
    return rows


def verdict(check: Check) -> list[Row]:
    """Of a server with the embedded model."""
    with Server(check, check.device) as server:
        found = bench_command(check, "verdict", "--target", server.target, "--requests", 5 if check.rehearses else 200)
        server.stop()
    # In rehearsal it is there to run, not to be fast.
    return [Row("verdict, times a scoring call of one item", found["verdict_over_score"], "times",
                None if check.rehearses else VERDICT_MOST, at_most=True)]


def transformers(check: Check) -> list[Row]:
    """Gavel and Transformers with a shared prefix, taking turns on the same requests."""
    require_transformers()
    rows = []
    for number, (prefix, items, tokens, _, _) in enumerate(REHEARSED_WORK if check.rehearses else WORK):
        folder = check.results / "transformers"
        said = check.run(
            [sys.executable, ROOT / "benchmarks" / "compare.py", "--shape", shape(check), "--device", check.device,
             "--python", sys.executable, "--peers", "transformers:bf16", "--gavel", unpacked(check) / "bin" / "gavel",
             "--parts", "score,decode" if number == 0 else "score", "--prefix", prefix, "--items", items,
             "--item-tokens", tokens, "--requests", 3 if check.rehearses else 7, "--rounds", 1, "--results", folder,
             *ceiling_flags(check)],
            environment(check.device))
        result = json.loads(pathlib.Path(last_line(said)).read_text())
        if result["skipped"]:
            raise Failed("; ".join(f"{name}: {reason}" for name, reason in result["skipped"].items()))
        for part, unit in ("score", "pairs_per_second"), ("decode", "tokens_per_second"):
            for name, engine in result.get(part, {}).get("engines", {}).items():
                what = f"{part}, {items} items of {tokens}" if part == "score" else "decode, 1 stream"
                rows.append(Row(f"{name}: {what}, in turn", engine[unit],
                                "items/s" if part == "score" else "tokens/s"))
    return rows
