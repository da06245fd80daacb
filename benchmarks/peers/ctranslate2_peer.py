"""The peer: CTranslate2, `generate_batch` with the prefix as its static prompt.

The checkpoint becomes a CTranslate2 model here, without PyTorch; a token is the string of its id.
Ways: how many workers share the threads, and how many items they take at a time.
"""

import os
import pathlib
import time

import ctranslate2
import numpy as np
from ctranslate2.specs import TransformerDecoderModelSpec, common_spec

from checkpoint import Checkpoint
from worker import ITEMS, Peer, Settings, chunks, serve


def write(model: pathlib.Path, out: pathlib.Path, quantization: str):
    source = Checkpoint(model)
    spec = TransformerDecoderModelSpec.from_config(
        source.layers, source.heads, activation=common_spec.Activation.SWISH, ffn_glu=True,
        rms_norm=True, rotary_dim=0, rotary_interleave=False, rotary_base=source.rope_base,
        num_heads_kv=source.kv_heads, head_dim=source.head_size)
    decoder = spec.decoder
    decoder.scale_embeddings = False
    decoder.embeddings.weight = source.embedding()
    decoder.layer_norm.gamma = source.last_norm()
    decoder.projection.weight = source.head()
    for number, layer in enumerate(decoder.layer):
        given = source.layer(number)
        attention = layer.self_attention
        attention.layer_norm.gamma = given.attention_norm
        attention.linear[0].weight = np.concatenate([given.q, given.k, given.v])
        attention.linear[1].weight = given.o
        layer.ffn.layer_norm.gamma = given.mlp_norm
        layer.ffn.linear_0.weight = given.gate
        layer.ffn.linear_0_noact.weight = given.up
        layer.ffn.linear_1.weight = given.down
    spec.config.layer_norm_epsilon = source.epsilon
    # They must be in the vocabulary; nothing here depends on what they are.
    spec.config.bos_token = spec.config.eos_token = spec.config.unk_token = "0"
    spec.register_vocabulary([str(token) for token in range(source.vocabulary)])
    spec.validate()
    spec.optimize(quantization=quantization)
    out.mkdir(parents=True)
    spec.save(str(out))


class Scorer:
    def __init__(self, settings: Settings, directory: pathlib.Path, workers: int):
        self.labels = settings.labels
        self.generator = ctranslate2.Generator(
            str(directory), device="cpu", compute_type=settings.variant, inter_threads=workers,
            intra_threads=settings.threads // workers)

    def score(self, prefix: np.ndarray, items: np.ndarray, chunk: int) -> np.ndarray:
        results = self.generator.generate_batch(
            [list(map(str, item)) for item in items.tolist()],
            static_prompt=list(map(str, prefix.tolist())), cache_static_prompt=True,
            max_batch_size=chunk, max_length=1, beam_size=1, include_prompt_in_result=False,
            return_logits_vocab=True)
        return np.stack([np.asarray(result.logits[0][0])[self.labels] for result in results])

    def decode(self, prompt: np.ndarray, count: int) -> tuple[list[int], float]:
        times, tokens = [], []

        def on_token(step):
            times.append(time.perf_counter())
            tokens.append(step.token_id)
            return False

        self.generator.generate_batch(
            [list(map(str, prompt.tolist()))], max_length=count + 1, min_length=count + 1,
            beam_size=1, include_prompt_in_result=False, callback=on_token)
        return tokens[1:], times[-1] - times[0]


def load(settings: Settings) -> Peer:
    directory = settings.convert(
        f"ctranslate2-{settings.variant}", lambda out: write(settings.model, out, settings.variant))
    ways, scorers = {}, {}
    for workers in sorted({1, settings.threads}):
        scorers[workers] = Scorer(settings, directory, workers)
        for chunk in chunks(ITEMS):
            if chunk * workers <= ITEMS or workers == 1:
                ways[f"{workers} workers, {chunk} items"] = (
                    lambda prefix, items, s=scorers[workers], c=chunk: s.score(prefix, items, c))
    about = {"engine": "ctranslate2", "version": ctranslate2.__version__,
             "instruction_set": os.environ.get("CT2_FORCE_CPU_ISA", "chosen by the library")}
    return Peer(about, ways, scorers[1].decode)


if __name__ == "__main__":
    serve(load)
