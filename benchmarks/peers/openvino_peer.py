"""The peer: OpenVINO GenAI, continuous batching with prefix caching, int8 weights.

The checkpoint is exported with optimum-intel. For scoring the head is cut to the label rows, in
fp32: a request then costs no logit row, and a beam as wide as the labels returns all of them.
Variants: `int8` quantizes activations as well (dynamically, in groups of 128), `int8-bf16` computes
in bf16. Ways: how many tokens a step of the scheduler may take.
"""

import pathlib
import subprocess
import sys
import time

import numpy as np
import openvino
import openvino_genai
from openvino import opset13

from checkpoint import Checkpoint
from worker import ITEMS, Peer, Settings, chunks, serve

ITEM_TOKENS = 64  # of the requests that steps are laid out for
BLOCK = 32  # tokens of a block of the CPU's cache
CACHE_GB = 1
GROUP = {"int8": 128, "int8-bf16": 0}
TYPE = {"int8": "f32", "int8-bf16": "bf16"}


def export(model: pathlib.Path, out: pathlib.Path):
    tool = pathlib.Path(sys.executable).with_name("optimum-cli")
    command = [tool, "export", "openvino", "--model", model, "--task", "text-generation-with-past",
               "--weight-format", "int8", out]
    run = subprocess.run(list(map(str, command)), capture_output=True, text=True)
    if run.returncode:
        raise RuntimeError(f"optimum-cli: status {run.returncode}: {run.stderr[-300:]}")


def cut_head(exported: pathlib.Path, rows: np.ndarray, out: pathlib.Path):
    """The exported model with a head of `rows` [labels, hidden] only."""
    model = openvino.Core().read_model(exported / "openvino_model.xml")
    result = next(output for output in model.outputs if "logits" in output.names).node
    product = result.input_value(0).node
    while product.get_type_name() != "MatMul":  # a conversion may stand behind it
        product = product.input_value(0).node
    head = opset13.matmul(product.input_value(0), opset13.constant(rows), False, True)
    head.output(0).set_names({"logits"})
    result.input(0).replace_source_output(head.output(0))
    model.validate_nodes_and_infer_types()
    out.mkdir(parents=True)
    openvino.save_model(model, out / "openvino_model.xml", compress_to_fp16=False)
    for file in exported.iterdir():
        if not file.name.startswith("openvino_model"):
            (out / file.name).write_bytes(file.read_bytes())


def pipeline(directory: pathlib.Path, settings: Settings, step: int):
    scheduler = openvino_genai.SchedulerConfig()
    scheduler.cache_size = CACHE_GB
    scheduler.enable_prefix_caching = True
    scheduler.dynamic_split_fuse = True
    scheduler.max_num_batched_tokens = step
    scheduler.max_num_seqs = 2 * ITEMS
    return openvino_genai.ContinuousBatchingPipeline(
        str(directory), scheduler, "CPU", {
            "INFERENCE_NUM_THREADS": settings.threads,
            "INFERENCE_PRECISION_HINT": TYPE[settings.variant],
            "DYNAMIC_QUANTIZATION_GROUP_SIZE": GROUP[settings.variant],
        })


def greedy(tokens: int) -> openvino_genai.GenerationConfig:
    return openvino_genai.GenerationConfig(
        max_new_tokens=tokens, min_new_tokens=tokens, ignore_eos=True, do_sample=False)


def tensors(rows: np.ndarray) -> list[openvino.Tensor]:
    return [openvino.Tensor(row[None].astype(np.int64)) for row in rows]


class Scorer:
    def __init__(self, directory: pathlib.Path, settings: Settings, step: int):
        self.pipeline = pipeline(directory, settings, step)
        self.labels = len(settings.labels)
        self.one = greedy(1)
        self.all = openvino_genai.GenerationConfig(
            max_new_tokens=1, min_new_tokens=1, ignore_eos=True, num_beams=self.labels,
            num_return_sequences=self.labels, length_penalty=0.0)

    def score(self, prefix: np.ndarray, items: np.ndarray) -> np.ndarray:
        # Whole blocks are found again. A part of one must not be: items would write into it together.
        if len(prefix) >= BLOCK:
            self.pipeline.generate(tensors(prefix[None, :len(prefix) // BLOCK * BLOCK]), [self.one])
        whole = np.concatenate([np.broadcast_to(prefix, (len(items), len(prefix))), items], axis=1)
        results = self.pipeline.generate(tensors(whole), [self.all] * len(items))
        logits = np.full((len(items), self.labels), -np.inf)
        for row, result in zip(logits, results):
            for ids, score in zip(result.m_generation_ids, result.m_scores):
                row[ids[-1]] = score
        return logits


class Decoder:
    def __init__(self, directory: pathlib.Path, settings: Settings):
        self.pipeline = pipeline(directory, settings, ITEMS * ITEM_TOKENS)

    def decode(self, prompt: np.ndarray, count: int) -> tuple[list[int], float]:
        handle = self.pipeline.add_request(0, tensors(prompt[None])[0], greedy(count + 1))
        found = []
        while len(found) <= count:
            self.pipeline.step()
            for output in handle.read().values() if handle.can_read() else ():
                found += output.generated_ids
            if len(found) == 1:
                start = time.perf_counter()
        return found[1:], time.perf_counter() - start


def load(settings: Settings) -> Peer:
    exported = settings.convert("openvino", lambda out: export(settings.model, out))
    labels = "-".join(map(str, settings.labels))
    rows = Checkpoint(settings.model).head()[settings.labels]
    scoring = settings.convert(f"openvino-{labels}", lambda out: cut_head(exported, rows, out))
    ways = {}
    for chunk in chunks(ITEMS):
        scorer = Scorer(scoring, settings, chunk * ITEM_TOKENS)
        ways[f"{chunk * ITEM_TOKENS} tokens"] = scorer.score
    decoders = []

    def decode(prompt: np.ndarray, count: int) -> tuple[list[int], float]:
        if not decoders:  # with the whole head; not loaded where nothing is decoded
            decoders.append(Decoder(exported, settings))
        return decoders[0].decode(prompt, count)

    about = {"engine": "openvino", "version": openvino_genai.__version__}
    return Peer(about, ways, decode)


if __name__ == "__main__":
    serve(load)
