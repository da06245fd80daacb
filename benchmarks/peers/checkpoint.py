"""A Llama checkpoint as NumPy arrays, for engines that want a format of their own.

Reads config.json and safetensors files with the standard library and NumPy, so that a peer's
environment needs neither PyTorch nor Transformers.
"""

import json
import pathlib
from dataclasses import dataclass

import numpy as np

TYPES = {"F32": "<f4", "F16": "<f2", "BF16": "<u2"}


@dataclass(frozen=True)
class Layer:
    """One decoder layer, fp32. Products are [out, in], applied as x W^T."""

    attention_norm: np.ndarray
    q: np.ndarray
    k: np.ndarray
    v: np.ndarray
    o: np.ndarray
    mlp_norm: np.ndarray
    gate: np.ndarray
    up: np.ndarray
    down: np.ndarray


PARTS = {
    "attention_norm": "input_layernorm", "q": "self_attn.q_proj", "k": "self_attn.k_proj",
    "v": "self_attn.v_proj", "o": "self_attn.o_proj", "mlp_norm": "post_attention_layernorm",
    "gate": "mlp.gate_proj", "up": "mlp.up_proj", "down": "mlp.down_proj",
}


class Checkpoint:
    """A dense model of type llama without rope scaling and biases."""

    def __init__(self, directory: pathlib.Path):
        self.config = json.loads((directory / "config.json").read_text())
        self._refuse_what_is_not_llama()
        self.vocabulary: int = self.config["vocab_size"]
        self.hidden: int = self.config["hidden_size"]
        self.inner: int = self.config["intermediate_size"]
        self.layers: int = self.config["num_hidden_layers"]
        self.heads: int = self.config["num_attention_heads"]
        self.kv_heads: int = self.config.get("num_key_value_heads") or self.heads
        self.head_size: int = self.config.get("head_dim") or self.hidden // self.heads
        self.positions: int = self.config["max_position_embeddings"]
        self.epsilon: float = self.config["rms_norm_eps"]
        self.rope_base: float = _rope(self.config).get("rope_theta", 10000.0)
        self._tensors = _open(directory)

    def _refuse_what_is_not_llama(self):
        found = self.config["model_type"]
        scaled = _rope(self.config).get("rope_type", "default")
        if found != "llama" or scaled != "default" or self.config.get("attention_bias"):
            raise ValueError(
                "expected a model of type llama without rope scaling and biases, "
                f"found type {found}, rope {scaled}")

    def embedding(self) -> np.ndarray:
        """[vocabulary, hidden]"""
        return self._read("model.embed_tokens.weight")

    def head(self) -> np.ndarray:
        """[vocabulary, hidden]"""
        tied = self.config.get("tie_word_embeddings", False)
        return self.embedding() if tied else self._read("lm_head.weight")

    def last_norm(self) -> np.ndarray:
        return self._read("model.norm.weight")

    def layer(self, number: int) -> Layer:
        return Layer(**{part: self._read(f"model.layers.{number}.{name}.weight")
                        for part, name in PARTS.items()})

    def _read(self, name: str) -> np.ndarray:
        raw, kind = self._tensors[name]
        if kind == "BF16":  # the upper half of an fp32
            return (raw.astype(np.uint32) << 16).view(np.float32)
        return raw.astype(np.float32)


def _rope(config: dict) -> dict:
    """The rope settings, under the names of either layout of config.json."""
    scaling = config.get("rope_parameters") or config.get("rope_scaling") or {}
    base = {"rope_theta": config["rope_theta"]} if "rope_theta" in config else {}
    return base | scaling


def _open(directory: pathlib.Path) -> dict[str, tuple[np.ndarray, str]]:
    """Every tensor of every safetensors file, mapped into memory, with its element type."""
    tensors = {}
    files = sorted(directory.glob("*.safetensors"))
    if not files:
        raise ValueError(f"{directory.name}: expected *.safetensors, found none")
    for file in files:
        data = np.memmap(file, np.uint8, "r")
        start = 8 + int(data[:8].view("<u8")[0])
        header = json.loads(bytes(data[8:start]))
        header.pop("__metadata__", None)
        for name, entry in header.items():
            if entry["dtype"] not in TYPES:
                raise ValueError(f"{name}: expected one of {', '.join(TYPES)}, found {entry['dtype']}")
            first, last = entry["data_offsets"]
            raw = data[start + first:start + last].view(TYPES[entry["dtype"]])
            tensors[name] = raw.reshape(entry["shape"]), entry["dtype"]
    return tensors
