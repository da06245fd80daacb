"""The peers, and the setting that each of them runs in."""

import pathlib
from dataclasses import dataclass, field

import machine

HERE = pathlib.Path(__file__).resolve().parent


@dataclass(frozen=True)
class Kind:
    """One engine. Its packages and their versions are in requirements/NAME.txt.

    variants: element types or quantizations, those of a plain comparison; the script knows others.
    tolerance: by how much a label probability of a variant may be off, on a model whose labels are
        near each other; far more means that the script is wrong.
    on_devices: whether its script computes on a CUDA device as well.
    """

    name: str
    script: str
    variants: dict[str, float]
    decodes: tuple[str, ...] = ()
    environment: dict[str, str] = field(default_factory=dict)
    building: dict[str, str] = field(default_factory=dict)
    jemalloc: bool = True
    on_devices: bool = False

    @property
    def requirements(self) -> pathlib.Path:
        return HERE / "requirements" / f"{self.name}.txt"


KINDS = {kind.name: kind for kind in (
    Kind("transformers", "transformers_peer.py", {"fp32": 1e-5, "bf16": 0.02}, decodes=("bf16",),
         on_devices=True),
    Kind("ctranslate2", "ctranslate2_peer.py", {"int8_float32": 0.03}, decodes=("int8_float32",),
         # By itself it takes AVX2 on some processors that have AVX-512.
         environment={"CT2_FORCE_CPU_ISA": "AVX512"} if "avx512f" in machine.flags() else {}),
    # Under jemalloc it loads and then does not answer.
    Kind("openvino", "openvino_peer.py", {"int8": 0.03, "int8-bf16": 0.03}, decodes=("int8",),
         jemalloc=False),
    Kind("onnxruntime", "onnxruntime_peer.py", {"int8": 0.03}),
    Kind("llama-cpp", "llama_cpp_peer.py", {"bf16": 0.02, "q8_0": 0.02}, decodes=("q8_0",),
         building={"CMAKE_ARGS": "-DGGML_NATIVE=ON -DLLAVA_BUILD=OFF"}),
)}

REFERENCE = "transformers", "fp32"
"""What fidelity is measured against."""


def chosen(names: str) -> list[tuple[Kind, str]]:
    """`a,b:variant` -> kinds with their variants; a name alone stands for its usual ones."""
    found = []
    for name in names.split(","):
        kind, _, variant = name.strip().partition(":")
        if kind not in KINDS:
            raise SystemExit(f"--peers: expected some of {', '.join(KINDS)}, found {name}")
        found += [(KINDS[kind], v) for v in ([variant] if variant else KINDS[kind].variants)]
    return found
