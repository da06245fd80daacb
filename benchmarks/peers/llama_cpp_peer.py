"""The peer: llama.cpp through llama-cpp-python's low-level calls, flash attention on.

The checkpoint becomes a GGUF file here, in bf16 or q8_0, without a tokenizer. The prefix is computed
as sequence 0 and given to every item's sequence. Ways: how many items a call computes, for every row
of a call is compared with all keys of the call; or a stream of keys for each item, which has none of
that and copies the prefix.
"""

import ctypes
import pathlib
import time

import gguf
import llama_cpp
import numpy as np
from gguf import GGMLQuantizationType, quants

from checkpoint import Checkpoint
from worker import ITEMS, Peer, Settings, serve

TYPES = {
    "bf16": (GGMLQuantizationType.BF16, gguf.LlamaFileType.MOSTLY_BF16),
    "q8_0": (GGMLQuantizationType.Q8_0, gguf.LlamaFileType.MOSTLY_Q8_0),
}
ITEM_TOKENS, PREFIX_TOKENS = 64, 192
ROOM = ITEMS * ITEM_TOKENS + PREFIX_TOKENS  # tokens of one call, and keys of a shared stream


def write(model: pathlib.Path, out: pathlib.Path, variant: str):
    source = Checkpoint(model)
    kind, file_type = TYPES[variant]
    writer = gguf.GGUFWriter(out, "llama")
    writer.add_file_type(file_type)
    writer.add_tokenizer_model("none")
    writer.add_vocab_size(source.vocabulary)
    writer.add_context_length(source.positions)
    writer.add_embedding_length(source.hidden)
    writer.add_feed_forward_length(source.inner)
    writer.add_block_count(source.layers)
    writer.add_head_count(source.heads)
    writer.add_head_count_kv(source.kv_heads)
    writer.add_key_length(source.head_size)
    writer.add_value_length(source.head_size)
    writer.add_rope_dimension_count(source.head_size)
    writer.add_rope_freq_base(source.rope_base)
    writer.add_layer_norm_rms_eps(source.epsilon)

    def product(name: str, weight: np.ndarray):
        writer.add_tensor(f"{name}.weight", quants.quantize(weight, kind), raw_dtype=kind)

    product("token_embd", source.embedding())
    if not source.config.get("tie_word_embeddings"):
        product("output", source.head())
    writer.add_tensor("output_norm.weight", source.last_norm())
    for number in range(source.layers):
        layer = source.layer(number)
        block = f"blk.{number}."
        writer.add_tensor(f"{block}attn_norm.weight", layer.attention_norm)
        product(f"{block}attn_q", interleaved(layer.q, source.heads))
        product(f"{block}attn_k", interleaved(layer.k, source.kv_heads))
        product(f"{block}attn_v", layer.v)
        product(f"{block}attn_output", layer.o)
        writer.add_tensor(f"{block}ffn_norm.weight", layer.mlp_norm)
        product(f"{block}ffn_gate", layer.gate)
        product(f"{block}ffn_up", layer.up)
        product(f"{block}ffn_down", layer.down)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()


def interleaved(weight: np.ndarray, heads: int) -> np.ndarray:
    """Rows [heads, 2, half] -> [heads, half, 2]: the pairs that are rotated become neighbours."""
    halves = weight.reshape(heads, 2, -1, weight.shape[1])
    return np.ascontiguousarray(halves.swapaxes(1, 2).reshape(weight.shape))


class Context:
    """A context and one batch that is filled again and again."""

    def __init__(self, model, settings: Settings, unified: bool):
        params = llama_cpp.llama_context_default_params()
        params.n_ctx = ROOM if unified else (ITEMS + 1) * (ITEM_TOKENS + PREFIX_TOKENS)
        params.n_batch = params.n_ubatch = ROOM
        params.n_seq_max = ITEMS + 1
        params.n_threads = params.n_threads_batch = settings.threads
        params.flash_attn_type = llama_cpp.LLAMA_FLASH_ATTN_TYPE_ENABLED
        params.kv_unified = unified
        params.no_perf = True
        self.context = llama_cpp.llama_init_from_model(model, params)
        if not self.context:
            raise RuntimeError("llama_init_from_model: expected a context, found none")
        self.memory = llama_cpp.llama_get_memory(self.context)
        self.vocabulary = llama_cpp.llama_vocab_n_tokens(llama_cpp.llama_model_get_vocab(model))
        self.batch = llama_cpp.llama_batch_init(ROOM, 0, 1)

    def clear(self):
        llama_cpp.llama_memory_clear(self.memory, False)

    def share(self, sequence: int):
        """Sequence 0 becomes the beginning of `sequence`."""
        llama_cpp.llama_memory_seq_cp(self.memory, 0, sequence, -1, -1)

    def forget(self, sequence: int):
        llama_cpp.llama_memory_seq_rm(self.memory, sequence, -1, -1)

    def run(self, rows: list[np.ndarray], sequence: int, position: int) -> list[int]:
        """Computes rows of tokens as sequences from `sequence` on, all from `position` on. Where
        each row's last token is in the batch."""
        tokens = sum(map(len, rows))
        if tokens > ROOM or sequence + len(rows) > ITEMS + 1:
            raise ValueError(f"expected at most {ROOM} tokens in {ITEMS} items a call, "
                             f"found {tokens} in {len(rows)}")
        batch, count, last = self.batch, 0, []
        for number, row in enumerate(rows):
            for offset, token in enumerate(row.tolist()):
                batch.token[count] = token
                batch.pos[count] = position + offset
                batch.n_seq_id[count] = 1
                batch.seq_id[count][0] = sequence + number
                batch.logits[count] = offset == len(row) - 1
                count += 1
            last.append(count - 1)
        batch.n_tokens = count
        status = llama_cpp.llama_decode(self.context, batch)
        if status:
            raise RuntimeError(f"llama_decode: status {status}")
        return last

    def logits(self, index: int) -> np.ndarray:
        """[vocabulary], a view that holds until the next call"""
        pointer = llama_cpp.llama_get_logits_ith(self.context, index)
        return np.ctypeslib.as_array(pointer, (self.vocabulary,))


class Model:
    def __init__(self, settings: Settings, file: pathlib.Path):
        self.settings = settings
        params = llama_cpp.llama_model_default_params()
        params.n_gpu_layers = 0
        self.model = llama_cpp.llama_model_load_from_file(str(file).encode(), params)
        if not self.model:
            raise RuntimeError("llama_model_load_from_file: expected a model, found none")
        self.contexts: dict[bool, Context] = {}

    def context(self, unified: bool) -> Context:
        if unified not in self.contexts:
            self.contexts[unified] = Context(self.model, self.settings, unified)
        return self.contexts[unified]

    def score(self, prefix: np.ndarray, items: np.ndarray, chunk: int, unified: bool) -> np.ndarray:
        context = self.context(unified)
        context.clear()
        context.run([prefix], 0, 0)
        logits = []
        for first in range(0, len(items), chunk):
            part = items[first:first + chunk]
            for sequence in range(1, len(part) + 1):
                context.share(sequence)
            last = context.run(list(part), 1, len(prefix))
            logits += [context.logits(index)[self.settings.labels] for index in last]
            for sequence in range(1, len(part) + 1):
                context.forget(sequence)
        return np.stack(logits)

    def decode(self, prompt: np.ndarray, count: int) -> tuple[list[int], float]:
        context = self.context(True)
        context.clear()
        row, position, found = prompt, 0, []
        for step in range(count + 1):
            if step == 1:  # the first token closes the prompt
                start = time.perf_counter()
            index, = context.run([row], 0, position)
            position += len(row)
            row = context.logits(index).argmax(keepdims=True)
            found.append(int(row[0]))
        return found[1:], time.perf_counter() - start


@llama_cpp.llama_log_callback
def silent(level, text, data):
    pass


def load(settings: Settings) -> Peer:
    llama_cpp.llama_log_set(silent, ctypes.c_void_p(0))
    llama_cpp.llama_backend_init()
    file = settings.convert(
        f"{settings.variant}.gguf", lambda out: write(settings.model, out, settings.variant))
    model = Model(settings, file)

    def way(chunk: int, unified: bool):
        return lambda prefix, items: model.score(prefix, items, chunk, unified)

    ways = {f"{chunk} items": way(chunk, True) for chunk in (4, 12, ITEMS)}
    ways["a stream an item"] = way(ITEMS, False)
    about = {"engine": "llama-cpp", "version": llama_cpp.__version__,
             "system": llama_cpp.llama_print_system_info().decode()}
    return Peer(about, ways, model.decode)


if __name__ == "__main__":
    serve(load)
