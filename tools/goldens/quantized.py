"""Makes the goldens of the tests of quantized checkpoints, by the compressed-tensors library.

    python quantized.py [--out ../../relevance/src/test/resources/goldens/quantized.json]

Each case is a matrix of integers with scales: the library's packed words and the weights that it
makes of them. Floats are written as their bits.
"""

import argparse
import json
import pathlib

import torch
from compressed_tensors.compressors.base import BaseCompressor
from compressed_tensors.compressors.pack_quantized.helpers import pack_to_int32
from compressed_tensors.quantization import QuantizationArgs, QuantizationScheme

BITS = {torch.float32: torch.int32, torch.float16: torch.int16, torch.bfloat16: torch.int16}
NAMES = {torch.float32: "F32", torch.float16: "F16", torch.bfloat16: "BF16"}


def as_bits(values):
    return values.contiguous().view(BITS[values.dtype]).flatten().tolist()


def case(generator, layout, bits, rows, columns, group, dtype):
    low, high = -(1 << bits - 1), (1 << bits - 1)
    integers = torch.randint(low, high, (rows, columns), generator=generator).to(torch.int8)
    groups = columns // group if group else 1
    scales = (torch.randn(rows, groups, generator=generator) * 0.01).to(dtype)
    weights = QuantizationArgs(num_bits=bits, type="int", symmetric=True,
                               strategy="group" if group else "channel",
                               group_size=group or None)
    state = {"weight_scale": scales}
    if layout == "pack-quantized":
        state["weight_packed"] = pack_to_int32(integers, bits)
        state["weight_shape"] = torch.tensor([rows, columns])
    else:
        state["weight"] = integers
    scheme = QuantizationScheme(targets=["Linear"], weights=weights)
    decoded = BaseCompressor.get_value_from_registry(layout).decompress(state, scheme)["weight"]
    stored = state.get("weight_packed", integers)
    return {"format": layout, "bits": bits, "rows": rows, "columns": columns, "group": group,
            "dtype": NAMES[dtype], "integers": integers.flatten().tolist(),
            "stored": stored.flatten().tolist(), "scales": as_bits(scales),
            "weights": as_bits(decoded)}


def main():
    parser = argparse.ArgumentParser()
    here = pathlib.Path(__file__).parent
    parser.add_argument("--out", type=pathlib.Path, default=here / "../../relevance/src/test"
                        / "resources/goldens/quantized.json")
    out = parser.parse_args().out
    generator = torch.Generator().manual_seed(11)
    cases = [
        case(generator, "pack-quantized", 4, 3, 64, 32, torch.float16),
        case(generator, "pack-quantized", 4, 5, 13, 0, torch.float32),
        case(generator, "pack-quantized", 4, 2, 36, 4, torch.bfloat16),
        case(generator, "pack-quantized", 8, 3, 7, 0, torch.bfloat16),
        case(generator, "pack-quantized", 8, 2, 48, 16, torch.float16),
        case(generator, "int-quantized", 8, 3, 9, 0, torch.float32),
        case(generator, "naive-quantized", 4, 2, 24, 8, torch.float16),
    ]
    out.parent.mkdir(parents=True, exist_ok=True)
    out.write_text(json.dumps({"cases": cases}) + "\n")


if __name__ == "__main__":
    main()
