"""The tiny checkpoints: one per architecture and trait, with awkward sizes on purpose.

Epsilon is far larger than in real models so that a wrong epsilon shows.
"""

from dataclasses import dataclass, field

import torch
from transformers import (
    LlamaConfig,
    PreTrainedConfig,
    Qwen2Config,
    Qwen3Config,
    Qwen3MoeConfig,
)

MAX_POSITIONS = 512


@dataclass(frozen=True)
class Case:
    """One checkpoint. `flaws` are configuration changes that a test must be able to see."""

    name: str
    config: PreTrainedConfig
    disk_dtype: torch.dtype
    shard_size: str = "1GB"
    flaws: dict = field(default_factory=dict)


def _rope(theta: float, **scaling) -> dict:
    return {"rope_type": "default", "rope_theta": theta, **scaling}


def _common(**changes) -> dict:
    return dict(max_position_embeddings=MAX_POSITIONS, rms_norm_eps=0.01, bos_token_id=1,
                eos_token_id=2, pad_token_id=2) | changes


CASES = [
    Case(
        "llama-tied",
        LlamaConfig(**_common(
            vocab_size=193, hidden_size=48, num_hidden_layers=3, num_attention_heads=6,
            num_key_value_heads=2, head_dim=8, intermediate_size=80, tie_word_embeddings=True,
            rope_parameters=_rope(10_000.0))),
        torch.bfloat16,
        flaws={"rope_parameters": _rope(11_000.0)},
    ),
    Case(
        "llama-llama3-rope",
        LlamaConfig(**_common(
            vocab_size=131, hidden_size=40, num_hidden_layers=2, num_attention_heads=5,
            num_key_value_heads=1, head_dim=16, intermediate_size=72, tie_word_embeddings=False,
            rope_parameters=_rope(10_000.0, rope_type="llama3", factor=8.0, low_freq_factor=1.0,
                                  high_freq_factor=4.0, original_max_position_embeddings=64))),
        torch.float16,
        shard_size="32KB",
        flaws={"rope_parameters": _rope(10_000.0)},
    ),
    Case(
        "llama-linear-rope",
        LlamaConfig(**_common(
            vocab_size=97, hidden_size=33, num_hidden_layers=2, num_attention_heads=3,
            num_key_value_heads=3, head_dim=10, intermediate_size=50, tie_word_embeddings=True,
            rope_parameters=_rope(10_000.0, rope_type="linear", factor=2.5))),
        torch.float32,
        flaws={"rope_parameters": _rope(10_000.0)},
    ),
    Case(
        "qwen2",
        Qwen2Config(**_common(
            vocab_size=257, hidden_size=56, num_hidden_layers=2, num_attention_heads=7,
            num_key_value_heads=1, intermediate_size=84, tie_word_embeddings=False,
            use_sliding_window=False, rope_parameters=_rope(1_000_000.0))),
        torch.bfloat16,
    ),
    Case(
        "qwen3",
        Qwen3Config(**_common(
            vocab_size=151, hidden_size=44, num_hidden_layers=3, num_attention_heads=4,
            num_key_value_heads=2, head_dim=20, intermediate_size=76, tie_word_embeddings=True,
            use_sliding_window=False, rope_parameters=_rope(1_000_000.0))),
        torch.float32,
    ),
    Case(
        "qwen3-moe",
        Qwen3MoeConfig(**_common(
            vocab_size=113, hidden_size=32, num_hidden_layers=2, num_attention_heads=4,
            num_key_value_heads=2, head_dim=12, intermediate_size=64, moe_intermediate_size=24,
            num_experts=8, num_experts_per_tok=2, norm_topk_prob=True, mlp_only_layers=[],
            tie_word_embeddings=False, rope_parameters=_rope(1_000_000.0))),
        torch.bfloat16,
        flaws={"norm_topk_prob": False, "num_experts_per_tok": 3},
    ),
    Case(
        "qwen3-moe-dense-layer",
        Qwen3MoeConfig(**_common(
            vocab_size=127, hidden_size=36, num_hidden_layers=3, num_attention_heads=6,
            num_key_value_heads=2, head_dim=8, intermediate_size=60, moe_intermediate_size=20,
            num_experts=5, num_experts_per_tok=3, norm_topk_prob=False, mlp_only_layers=[1],
            tie_word_embeddings=True, rope_parameters=_rope(10_000.0))),
        torch.float16,
        flaws={"norm_topk_prob": True, "num_experts_per_tok": 2},
    ),
]
