"""The peer: onnxruntime on a graph of our own that takes the prefix's keys and values as inputs.

Two graphs share the checkpoint: `prefix` gives keys and values of [1, P] tokens, `items` computes
[N, L] tokens behind them and the logits of the label tokens only. Variants: `int8` quantizes all
products dynamically (per channel of a weight, per tensor of an activation), `int8-blocks` in blocks
of weights and activations (MatMulNBits), `fp32` nothing.
"""

import logging
import pathlib
from dataclasses import dataclass

import numpy as np
import onnx
import onnxruntime
from onnx import TensorProto, helper, numpy_helper
from onnxruntime.quantization import QuantType, quantize_dynamic
from onnxruntime.quantization.matmul_nbits_quantizer import MatMulNBitsQuantizer

from checkpoint import Checkpoint, Layer
from worker import ITEMS, Peer, Settings, chunks, serve

OPSETS = [helper.make_opsetid("", 23), helper.make_opsetid("com.microsoft", 1)]
BLOCK = 64  # weights that share a scale in int8-blocks


class Graph:
    """A graph that grows node by node; a value is the name of a node's output."""

    def __init__(self):
        self.nodes, self.constants, self.inputs, self.outputs = [], [], [], []

    def constant(self, name: str, values: np.ndarray) -> str:
        self.constants.append(numpy_helper.from_array(np.array(values, order="C"), name))
        return name

    def input(self, name: str, kind: int, shape: list) -> str:
        self.inputs.append(helper.make_tensor_value_info(name, kind, shape))
        return name

    def output(self, name: str, value: str, shape: list):
        self.add("Identity", [value], name)
        self.outputs.append(helper.make_tensor_value_info(name, TensorProto.FLOAT, shape))

    def add(self, operation: str, inputs: list[str], name: str, outputs: int = 1, **attributes):
        """The node's output, or a list of its outputs."""
        names = [name] + [f"{name}.{i}" for i in range(1, outputs)]
        self.nodes.append(helper.make_node(operation, inputs, names, name=name, **attributes))
        return name if outputs == 1 else names

    def save(self, path: pathlib.Path):
        graph = helper.make_graph(self.nodes, "gavel-peer", self.inputs, self.outputs, self.constants)
        model = helper.make_model(graph, opset_imports=OPSETS, ir_version=10)
        onnx.save(model, path, save_as_external_data=True, location=path.name + ".data")


@dataclass(frozen=True)
class Parts:
    """Values that all layers share."""

    tokens: str  # [N, L]
    positions: str  # [N, L]
    mask: str  # [L, P + L], whether a row sees a position
    cos: str
    sin: str


class Builder:
    def __init__(self, source: Checkpoint, labels: list[int], keeps: bool):
        self.source, self.labels, self.keeps = source, labels, keeps
        self.graph = Graph()

    def build(self) -> Graph:
        graph, source = self.graph, self.source
        parts = self._parts()
        x = graph.add("Gather", [graph.constant("embedding", source.embedding()), parts.tokens], "x")
        for number in range(source.layers):
            x = self._layer(f"l{number}", source.layer(number), x, parts)
        if not self.keeps:
            last = graph.add("Gather", [x, graph.constant("minus_one", np.array(-1))], "last", axis=1)
            last = self._norm("final", last, source.last_norm())
            head = graph.constant("head", source.head()[self.labels].T)
            graph.output("logits", graph.add("MatMul", [last, head], "scores"), ["n", len(self.labels)])
        return graph

    def _parts(self) -> Parts:
        graph, source = self.graph, self.source
        inverse = source.rope_base ** (-np.arange(0, source.head_size, 2) / source.head_size)
        angles = np.outer(np.arange(source.positions), inverse)
        return Parts(
            graph.input("tokens", TensorProto.INT64, ["n", "l"]),
            graph.input("positions", TensorProto.INT64, ["n", "l"]),
            graph.input("mask", TensorProto.BOOL, ["l", "p + l"]),
            graph.constant("cos", np.cos(angles).astype(np.float32)),
            graph.constant("sin", np.sin(angles).astype(np.float32)))

    def _norm(self, name: str, x: str, weight: np.ndarray) -> str:
        return self.graph.add(
            "SimplifiedLayerNormalization", [x, self.graph.constant(f"{name}.weight", weight)],
            f"{name}.norm", axis=-1, epsilon=self.source.epsilon, stash_type=1)

    def _product(self, name: str, x: str, weight: np.ndarray) -> str:
        return self.graph.add("MatMul", [x, self.graph.constant(f"{name}.weight", weight.T)], name)

    def _layer(self, name: str, layer: Layer, x: str, parts: Parts) -> str:
        graph = self.graph
        normed = self._norm(f"{name}.attention", x, layer.attention_norm)
        mixed = self._attention(name, layer, normed, parts)
        x = graph.add("Add", [x, self._product(f"{name}.o", mixed, layer.o)], f"{name}.between")
        normed = self._norm(f"{name}.mlp", x, layer.mlp_norm)
        gate = self._product(f"{name}.gate", normed, layer.gate)
        opened = graph.add("QuickGelu", [gate], f"{name}.silu", domain="com.microsoft", alpha=1.0)
        inner = graph.add(
            "Mul", [opened, self._product(f"{name}.up", normed, layer.up)], f"{name}.inner")
        return graph.add("Add", [x, self._product(f"{name}.down", inner, layer.down)], f"{name}.out")

    def _attention(self, name: str, layer: Layer, normed: str, parts: Parts) -> str:
        graph, source = self.graph, self.source
        joined = self._product(f"{name}.qkv", normed, np.concatenate([layer.q, layer.k, layer.v]))
        widths = np.array([len(layer.q), len(layer.k), len(layer.v)])
        q, k, v = graph.add("Split", [joined, graph.constant(f"{name}.widths", widths)],
                            f"{name}.split", outputs=3, axis=-1)
        q = self._rotated(f"{name}.q", q, source.heads, parts)
        k = self._rotated(f"{name}.k", k, source.kv_heads, parts)
        past = [] if self.keeps else [self._past(name, "keys"), self._past(name, "values")]
        mixed, keys, values = graph.add(
            "Attention", [q, k, v, parts.mask, *past], f"{name}.attention", outputs=3,
            q_num_heads=source.heads, kv_num_heads=source.kv_heads,
            scale=source.head_size ** -0.5)
        if self.keeps:
            shape = [1, source.kv_heads, "p", source.head_size]
            graph.output(f"{name}.keys", keys, shape)
            graph.output(f"{name}.values", values, shape)
        return mixed

    def _rotated(self, name: str, x: str, heads: int, parts: Parts) -> str:
        return self.graph.add(
            "RotaryEmbedding", [x, parts.cos, parts.sin, parts.positions], f"{name}.rotated",
            num_heads=heads, interleaved=0)

    def _past(self, name: str, kind: str) -> str:
        """The prefix's keys or values, repeated for every item."""
        given = self.graph.input(f"{name}.{kind}", TensorProto.FLOAT,
                                 [1, self.source.kv_heads, "p", self.source.head_size])
        if not any(node.name == "repeat" for node in self.graph.nodes):
            rows = self.graph.add("Shape", ["tokens"], "rows", start=0, end=1)
            ones = self.graph.constant("ones", np.ones(3, np.int64))
            self.graph.add("Concat", [rows, ones], "repeat", axis=0)
        return self.graph.add("Expand", [given, "repeat"], f"{name}.{kind}.repeated")


def write(settings: Settings, out: pathlib.Path):
    source = Checkpoint(settings.model)
    out.mkdir(parents=True)
    for name in "prefix", "items":
        plain = out / f"{name}-fp32.onnx"
        Builder(source, settings.labels, keeps=name == "prefix").build().save(plain)
        if settings.variant == "fp32":
            continue
        quantize(plain, out / f"{name}-{settings.variant}.onnx", settings.variant)
        for file in out.glob(f"{plain.name}*"):
            file.unlink()


def quantize(plain: pathlib.Path, out: pathlib.Path, variant: str):
    logging.disable(logging.WARNING)  # a line for every node
    if variant == "int8":
        quantize_dynamic(plain, out, op_types_to_quantize=["MatMul"], per_channel=True,
                         weight_type=QuantType.QInt8, nodes_to_exclude=["scores"],
                         use_external_data_format=True,
                         extra_options={"MatMulConstBOnly": True, "DefaultTensorType": TensorProto.FLOAT})
        return
    quantizer = MatMulNBitsQuantizer(onnx.load(plain), bits=8, block_size=BLOCK, is_symmetric=True,
                                     accuracy_level=4, nodes_to_exclude=["scores"])
    quantizer.process()
    quantizer.model.save_model_to_file(out, use_external_data_format=True)


class Model:
    def __init__(self, settings: Settings, directory: pathlib.Path):
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = settings.threads
        options.log_severity_level = 3
        # Its threads wait without spinning: another engine has the cores between two requests.
        options.add_session_config_entry("session.intra_op.allow_spinning", "0")
        self.prefix, self.items = (
            onnxruntime.InferenceSession(directory / f"{name}-{settings.variant}.onnx", options,
                                         providers=["CPUExecutionProvider"])
            for name in ("prefix", "items"))
        self.kept = [output.name for output in self.prefix.get_outputs()]

    def score(self, prefix: np.ndarray, items: np.ndarray, chunk: int) -> np.ndarray:
        length, width = len(prefix), items.shape[1]
        tables = self.prefix.run_with_ort_values(self.kept, values({
            "tokens": prefix[None].astype(np.int64), "positions": np.arange(length)[None],
            "mask": np.tri(length, dtype=bool)}))
        seen = np.concatenate([np.ones((width, length), bool), np.tri(width, dtype=bool)], axis=1)
        parts = []
        for first in range(0, len(items), chunk):
            part = items[first:first + chunk].astype(np.int64)
            positions = np.broadcast_to(np.arange(length, length + width), part.shape)
            given = values({"tokens": part, "positions": positions.copy(), "mask": seen})
            parts += self.items.run_with_ort_values(
                ["logits"], given | dict(zip(self.kept, tables)))
        return np.concatenate([part.numpy() for part in parts])


def values(arrays: dict[str, np.ndarray]) -> dict[str, onnxruntime.OrtValue]:
    return {name: onnxruntime.OrtValue.ortvalue_from_numpy(array) for name, array in arrays.items()}


def load(settings: Settings) -> Peer:
    labels = "-".join(map(str, settings.labels))
    directory = settings.convert(
        f"onnxruntime-{settings.variant}-{labels}", lambda out: write(settings, out))
    model = Model(settings, directory)
    ways = {f"{c} items": lambda prefix, items, c=c: model.score(prefix, items, c)
            for c in chunks(ITEMS)}
    return Peer({"engine": "onnxruntime", "version": onnxruntime.__version__}, ways)


if __name__ == "__main__":
    serve(load)
