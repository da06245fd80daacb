"""Makes the goldens of the engine's tests: tiny random checkpoints and what Transformers says of them.

    python make.py [--out ../../native/src/test/resources/goldens] [--only CASE]

Every checkpoint is evaluated twice, each sequence alone and in full, without any cache:
  - in fp64 throughout (see Exact), taken as the true value;
  - in fp32, the way Transformers computes by default.
The greatest distance between the two is what fp32 rounding does to this very model. Another
correct fp32 evaluation makes errors of the same kind in another order. Rounding errors of a sum
grow like the square root of its longest chain of additions, and a plain running sum has chains up
to 16 times as long as one in 16 lanes, so it may be 4 times as far from the truth:

    |engine - fp64| <= 4 * max |transformers fp32 - fp64|

A tolerance is only worth something if mistakes are larger. So a case is accepted only if each of
its listed flaws (a wrong epsilon, a missing bias, another rope ...) moves some logit by at least
100 tolerances, and if nothing that is discrete hangs on less than 4 tolerances (2 would do, one for
each side): the greedy token against the runner-up, and the last chosen expert against the first
that was not. Seeds are tried in order until a case is accepted.
"""

import argparse
import array
import copy
import json
import math
import pathlib
import shutil
import tempfile

import torch
import transformers
from torch.overrides import TorchFunctionMode
from transformers import AutoModelForCausalLM

from cases import CASES, Case

PROMPT_LENGTHS = [1, 2, 13, 64, 207]
GREEDY_TOKENS = 24
CHAIN_FACTOR = 4
FLAW_TOLERANCES = 100
GAP_TOLERANCES = 4
SEEDS_MAX = 50


class Rejected(Exception):
    """This seed does not make a usable golden."""


class Exact(TorchFunctionMode):
    """Computes in fp64 where Transformers asks for fp32 (norms, softmax, rope, router)."""

    def __torch_function__(self, func, types, args=(), kwargs=None):
        def widen(value):
            return torch.float64 if value is torch.float32 else value

        if func is torch.Tensor.float:
            func = torch.Tensor.double
        kwargs = {name: widen(value) for name, value in (kwargs or {}).items()}
        result = func(*map(widen, args), **kwargs)
        if isinstance(result, torch.Tensor) and result.dtype is torch.float32:
            raise AssertionError(f"{func} fell back to fp32")
        return result


class Evaluator:
    """Logits of a checkpoint at every position of one sequence, evaluated alone."""

    def __init__(self, directory, exact: bool, config=None):
        self.exact = exact
        self.model = AutoModelForCausalLM.from_pretrained(
            directory,
            config=config,
            dtype=torch.float64 if exact else torch.float32,
            attn_implementation="eager",
            experts_implementation="eager",
        ).eval()
        if exact:
            self._widen_rope()
        self.router_gap = math.inf
        for module in self.model.modules():
            if type(module).__name__.endswith("TopKRouter"):
                module.register_forward_hook(self._note_router)

    def _widen_rope(self):
        rope = self.model.model.rotary_emb
        with Exact():
            self.model.model.rotary_emb = type(rope)(self.model.config)

    def _note_router(self, router, _inputs, outputs):
        ranked = outputs[0].sort(dim=-1, descending=True).values  # [tokens, experts]
        gap = (ranked[:, router.top_k - 1] - ranked[:, router.top_k]).min().item()
        self.router_gap = min(self.router_gap, gap)

    @torch.no_grad()
    def logits(self, tokens: list[int]) -> torch.Tensor:
        """[tokens, vocabulary]"""
        ids = torch.tensor([tokens])
        if not self.exact:
            return self.model(input_ids=ids, use_cache=False).logits[0]
        with Exact():
            return self.model(input_ids=ids, use_cache=False).logits[0]


class Both:
    """The exact and the fp32 evaluator side by side; remembers how far apart they were."""

    def __init__(self, directory):
        self.exact = Evaluator(directory, exact=True)
        self.single = Evaluator(directory, exact=False)
        self.error = 0.0

    def logits(self, tokens: list[int]) -> torch.Tensor:
        true = self.exact.logits(tokens)
        self.error = max(self.error, (self.single.logits(tokens).double() - true).abs().max().item())
        return true

    @property
    def tolerance(self) -> float:
        return CHAIN_FACTOR * self.error


def fill(model, generator):
    """Random weights under which every part of the model matters: peaked but not one-hot attention,
    norms away from 1, and logits with a standard deviation of about 2."""

    def normal(shape):
        return torch.randn(shape, generator=generator)

    def head_std():
        return 2.0 / math.sqrt(model.config.hidden_size)

    for name, parameter in model.named_parameters():
        if "norm" in name:
            values = 1 + 0.3 * normal(parameter.shape)
        elif name.endswith("bias"):
            values = 0.5 * normal(parameter.shape)
        elif "embed_tokens" in name or "lm_head" in name:
            values = head_std() * normal(parameter.shape)
        else:
            values = 1.3 / math.sqrt(parameter.shape[-1]) * normal(parameter.shape)
        parameter.data.copy_(values)


def save_checkpoint(case: Case, seed: int, directory):
    generator = torch.Generator().manual_seed(seed)
    model = AutoModelForCausalLM.from_config(copy.deepcopy(case.config), dtype=torch.float32)
    fill(model, generator)
    model.to(case.disk_dtype).save_pretrained(directory, max_shard_size=case.shard_size)
    (pathlib.Path(directory) / "generation_config.json").unlink(missing_ok=True)
    return generator


def greedy(both: Both, prompt: list[int]) -> list[int]:
    tokens = list(prompt)
    for _ in range(GREEDY_TOKENS):
        best = both.logits(tokens)[-1].topk(2)
        if best.values[0] - best.values[1] < GAP_TOLERANCES * both.tolerance:
            raise Rejected("greedy tokens too close")
        tokens.append(best.indices[0].item())
    return tokens[len(prompt):]


def label_sets(vocabulary: int, generator) -> dict[str, list[list[list[int]]]]:
    """Labels by their surface forms. `multi` shares trie nodes within and across labels."""
    a, b, c, d, e, f, g, h, i, j = torch.randperm(vocabulary, generator=generator)[:10].tolist()
    return {
        "single": [[[a]], [[b], [c]], [[d], [e], [f]], [[g]]],
        "multi": [[[a], [b, c]], [[d, e, f], [d, g]], [[d, e, h]], [[i, j, a, b], [b, d], [i, c]]],
        # Each longer form begins with a form of its own label, so it adds nothing.
        "extended": [[[a], [a, b]], [[c, d, e], [c, d], [f]], [[g, g, g]]],
    }


def without_extensions(forms: list[list[int]]) -> list[list[int]]:
    return [f for f in forms if not any(f[:len(o)] == o for o in forms if len(o) < len(f))]


def score(both: Both, prompt: list[int], labels) -> tuple[list[float], float]:
    """Log-probabilities normalized over the labels, and the log of the labels' mass. Each surface
    form is evaluated by itself, as prompt + form."""
    masses = []
    for forms in labels:
        logs = []
        for form in without_extensions(forms):
            rows = both.logits(prompt + form).log_softmax(-1)
            logs.append(sum(rows[len(prompt) - 1 + n, token] for n, token in enumerate(form)))
        masses.append(torch.stack(logs).logsumexp(0))
    masses = torch.stack(masses)
    return masses.log_softmax(0).tolist(), masses.logsumexp(0).item()


def check_flaws(case: Case, directory, both: Both, prompt: list[int]):
    """Every flaw must be far outside the tolerance."""
    true = both.logits(prompt)

    def require(flaw, other):
        moved = (other - true)[-1].abs().max().item()
        if moved < FLAW_TOLERANCES * both.tolerance:
            raise Rejected(f"{flaw} moves a logit by only {moved}")

    for name, value in ({"rms_norm_eps": 0.0105} | case.flaws).items():
        config = copy.deepcopy(both.exact.model.config)
        setattr(config, name, value)
        require(name, Evaluator(directory, exact=True, config=config).logits(prompt))
    for suffix in ("q_proj.bias", "v_proj.bias", "q_norm.weight", "k_norm.weight"):
        evaluator = Evaluator(directory, exact=True)
        hit = [p for n, p in evaluator.model.named_parameters() if n.endswith(suffix)]
        for parameter in hit:
            parameter.data.fill_(0.0 if suffix.endswith("bias") else 1.0)
        if hit:
            require(suffix, evaluator.logits(prompt))
    swapped = [prompt[1], prompt[0], *prompt[2:]]
    require("the first two tokens swapped", both.exact.logits(swapped))


def shape(config) -> dict:
    """The fields of dev.gavel.engine.ModelConfig."""
    rope = config.rope_parameters
    experts = getattr(config, "num_experts", 0)
    return {
        "architecture": config.model_type,
        "vocabulary": config.vocab_size,
        "hidden": config.hidden_size,
        "layers": config.num_hidden_layers,
        "heads": config.num_attention_heads,
        "kvHeads": config.num_key_value_heads,
        "headDim": getattr(config, "head_dim", config.hidden_size // config.num_attention_heads),
        "intermediate": config.intermediate_size,
        "maxPositions": config.max_position_embeddings,
        "ropeTheta": rope["rope_theta"],
        "ropeScaling": {
            "kind": rope["rope_type"].upper(),
            "factor": rope.get("factor", 1.0),
            "lowFrequencyFactor": rope.get("low_freq_factor", 1.0),
            "highFrequencyFactor": rope.get("high_freq_factor", 1.0),
            "originalPositions": rope.get("original_max_position_embeddings", 0),
        },
        "rmsEpsilon": config.rms_norm_eps,
        "qkvBias": config.model_type == "qwen2",
        "qkNorm": config.model_type in ("qwen3", "qwen3_moe"),
        "tiedEmbeddings": config.tie_word_embeddings,
        "experts": experts,
        "expertsPerToken": config.num_experts_per_tok if experts else 0,
        "expertIntermediate": config.moe_intermediate_size if experts else 0,
        "normalizeExperts": bool(experts and config.norm_topk_prob),
        "denseLayers": (config.mlp_only_layers or []) if experts else [],
    }


def evaluate(case: Case, seed: int, directory) -> tuple[dict, array.array]:
    generator = save_checkpoint(case, seed, directory)
    both = Both(directory)
    vocabulary = case.config.vocab_size
    prompts = [torch.randint(vocabulary, (n,), generator=generator).tolist() for n in PROMPT_LENGTHS]
    for prompt in prompts:
        both.logits(prompt)  # settles the error before anything is judged by it
    check_flaws(case, directory, both, prompts[-1])
    logits = array.array("d")
    greedies = []
    for prompt in prompts:
        logits.extend(both.logits(prompt)[-1].tolist())
        greedies.append(greedy(both, prompt))
    sets = []
    for name, labels in label_sets(vocabulary, generator).items():
        scores = [score(both, prompt, labels) for prompt in prompts]
        sets.append({"name": name, "forms": labels,
                     "logProbabilities": [s[0] for s in scores], "logMass": [s[1] for s in scores]})
    if both.exact.router_gap < GAP_TOLERANCES * both.tolerance:
        raise Rejected("experts too close")
    return {
        "case": case.name,
        "seed": seed,
        "torch": torch.__version__.split("+")[0],
        "transformers": transformers.__version__,
        "model": shape(both.exact.model.config),
        "fp32Error": both.error,
        "tolerance": both.tolerance,
        "prompts": [{"tokens": p, "greedy": g} for p, g in zip(prompts, greedies)],
        "labelSets": sets,
    }, logits


def make(case: Case, out: pathlib.Path):
    for seed in range(1, SEEDS_MAX):
        with tempfile.TemporaryDirectory() as directory:
            try:
                golden, logits = evaluate(case, seed, directory)
            except Rejected as reason:
                print(f"{case.name}: seed {seed} rejected: {reason}")
                continue
            target = out / case.name
            shutil.rmtree(target, ignore_errors=True)
            target.mkdir(parents=True)
            for file in pathlib.Path(directory).iterdir():
                shutil.copyfile(file, target / file.name)
            (target / "golden.json").write_text(json.dumps(golden) + "\n")
            (target / "logits.f64").write_bytes(logits.tobytes())  # [prompts, vocabulary], little-endian
            size = sum(f.stat().st_size for f in target.iterdir())
            print(f"{case.name}: seed {seed}, fp32 error {golden['fp32Error']:.2e}, {size} bytes")
            return
    raise SystemExit(f"{case.name}: no usable seed below {SEEDS_MAX}")


def main():
    home = pathlib.Path(__file__).resolve().parent
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--out", type=pathlib.Path,
                        default=home.parents[1] / "native/src/test/resources/goldens")
    parser.add_argument("--only", help="make this case alone")
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    transformers.logging.set_verbosity_error()
    transformers.logging.disable_progress_bar()
    for case in CASES:
        if arguments.only in (None, case.name):
            make(case, arguments.out)


if __name__ == "__main__":
    main()
