"""The named shapes of `./gavel model init`, and the arithmetic of one scoring request."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Shape:
    """A dense decoder in the words of a Hugging Face configuration."""

    model_type: str
    vocab_size: int
    hidden_size: int
    num_hidden_layers: int
    num_attention_heads: int
    num_key_value_heads: int
    head_dim: int
    intermediate_size: int
    tie_word_embeddings: bool = True

    @property
    def linear_parameters(self) -> int:
        """Parameters used in matrix products per token, the head excluded."""
        heads = self.num_attention_heads + self.num_key_value_heads
        attention = 2 * self.hidden_size * self.head_dim * heads
        return self.num_hidden_layers * (attention + 3 * self.hidden_size * self.intermediate_size)

    def operations(self, prefix: int, items: int, item_tokens: int, labels: int = 4) -> float:
        """F = 2 n T + 4 l d (P^2/2 + N (P L + L^2/2)) + 2 d K N, with every prefix row run once;
        d is the width of all query heads in the attention term."""
        tokens = prefix + items * item_tokens
        seen = prefix**2 / 2 + items * (prefix * item_tokens + item_tokens**2 / 2)
        width = self.num_attention_heads * self.head_dim
        return (2 * self.linear_parameters * tokens + 4 * self.num_hidden_layers * width * seen
                + 2 * self.hidden_size * labels * items)

    @classmethod
    def of(cls, config: dict) -> "Shape":
        """From a config.json of a dense model."""
        if config.get("num_experts"):
            raise SystemExit(f"expected a dense model, found {config['num_experts']} experts")
        values = {name: config[name] for name in cls.__dataclass_fields__ if name in config}
        heads = config["num_attention_heads"]
        return cls(**({"head_dim": config["hidden_size"] // heads, "num_key_value_heads": heads} | values))


SHAPES = {
    "small-12m": Shape("llama", 8192, 384, 6, 6, 2, 64, 1024),
    "small-52m": Shape("llama", 16384, 576, 12, 9, 3, 64, 1536),
    "smollm2-135m": Shape("llama", 49152, 576, 30, 9, 3, 64, 1536),
    "qwen3-0.6b": Shape("qwen3", 151936, 1024, 28, 16, 8, 128, 3072),
}
