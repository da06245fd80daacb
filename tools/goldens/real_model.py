"""Makes the goldens of the test on the real SmolLM2-135M-Instruct: what Transformers fp32 says.

    python real_model.py --model DIR [--out FILE]

DIR is the checkpoint as an ordinary Hugging Face directory. Every sequence is evaluated alone and in
full, without a cache. The file holds token ids and log-probabilities only:

  labels         [labels][forms][tokens]
  queries        prefix [tokens], and per item suffix [tokens] and log_probabilities [labels],
                 normalized over the labels
  continuation   prompt [tokens], and greedily 64 tokens with their log_probabilities

Fp32 evaluations in another order differ by rounding, so the continuation is only usable where the
best token leads the second by more than the tolerance of the test, and does not end the text: of the
prompts below the first of which this holds is taken.
"""

import argparse
import json
import pathlib

import torch
from transformers import AutoModelForCausalLM, AutoTokenizer

HERE = pathlib.Path(__file__).resolve().parent
OUT = HERE.parent.parent / "cli/src/test/resources/dev/gavel/cli/realmodel/golden.json"
LABELS = ["Yes", "Mostly", "Partly", "No"]
SYSTEM = "You judge how well a product fits a shopper's search query."
QUESTION = "Does the product match the query? Answer: Yes, Mostly, Partly or No."
PROMPTS = [
    "Tell a long story about a lighthouse keeper.",
    "Describe how a bicycle is made, step by step.",
    "Write a letter from a gardener to the rain.",
    "Explain how to choose hiking boots.",
    "List twenty things to pack for a week at the sea.",
    "What happens in a bakery before sunrise?",
]
CONTINUATION_TOKENS = 64
GAP = 1e-3  # nats between the best token and the second


class Model:
    def __init__(self, directory: pathlib.Path):
        self.tokenizer = AutoTokenizer.from_pretrained(directory)
        self.network = AutoModelForCausalLM.from_pretrained(directory, dtype=torch.float32).eval()
        ends = self.network.generation_config.eos_token_id
        self.ends = set(ends if isinstance(ends, list) else [ends])

    def chat(self, *messages: tuple[str, str]) -> list[int]:
        text = self.tokenizer.apply_chat_template(
            [{"role": role, "content": content} for role, content in messages],
            tokenize=False, add_generation_prompt=True)
        return self.encode(text)

    def encode(self, text: str) -> list[int]:
        return self.tokenizer(text, add_special_tokens=False)["input_ids"]

    @torch.inference_mode()
    def log_probabilities(self, tokens: list[int], last: int = 1) -> torch.Tensor:
        """[last, vocabulary]: after each of the last tokens."""
        output = self.network(input_ids=torch.tensor([tokens]), use_cache=False, logits_to_keep=last)
        return output.logits[0].log_softmax(-1)

    def label(self, context: list[int], forms: list[list[int]]) -> torch.Tensor:
        """Log-probability of a label: the sum over its forms, each a product over its tokens."""
        masses = []
        for form in forms:
            rows = self.log_probabilities(context + form[:-1], len(form))
            masses.append(rows[range(len(form)), form].sum())
        return torch.stack(masses).logsumexp(0)

    def labels(self, context: list[int], labels: list[list[list[int]]]) -> list[float]:
        masses = torch.stack([self.label(context, forms) for forms in labels])
        return masses.log_softmax(0).tolist()


def judge(model: Model, query: str, items: list[str], labels) -> dict:
    prompts = [model.chat(("system", SYSTEM),
                          ("user", f"Query: {query}\nProduct: {item}\n\n{QUESTION}")) for item in items]
    prefix = 0
    while len({prompt[prefix] for prompt in prompts}) == 1:
        prefix += 1
    return {
        "prefix": prompts[0][:prefix],
        "items": [{"suffix": prompt[prefix:], "log_probabilities": model.labels(prompt, labels)}
                  for prompt in prompts],
    }


def continuation(model: Model, text: str) -> dict | None:
    """Follows the greedy path; None where it ends early or a step is too close to call."""
    prompt = model.chat(("user", text))
    tokens, log_probabilities = [], []
    while len(tokens) < CONTINUATION_TOKENS:
        best = model.log_probabilities(prompt + tokens)[0].topk(2)
        token, gap = int(best.indices[0]), float(best.values[0] - best.values[1])
        if token in model.ends or gap <= GAP:
            print(f"{text!r}: left out, token {len(tokens)} is {token} with a gap of {gap:.1e}")
            return None
        tokens.append(token)
        log_probabilities.append(float(best.values[0]))
    return {"prompt": prompt, "tokens": tokens, "log_probabilities": log_probabilities}


def write(golden: dict, path: pathlib.Path):
    """One entry a line; log-probabilities to 1e-6, far below the tolerance."""

    def rounded(value):
        if isinstance(value, float):
            return round(value, 6)
        if isinstance(value, dict):
            return {key: rounded(inner) for key, inner in value.items()}
        return [rounded(inner) for inner in value] if isinstance(value, list) else value

    def line(value) -> str:
        return json.dumps(rounded(value), separators=(",", ":"))

    queries = ",\n".join(line(query) for query in golden["queries"])
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f'{{"labels":{line(golden["labels"])},\n"queries":[\n{queries}],\n'
                    f'"continuation":{line(golden["continuation"])}}}\n')


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--model", type=pathlib.Path, required=True)
    parser.add_argument("--out", type=pathlib.Path, default=OUT)
    arguments = parser.parse_args()
    model = Model(arguments.model)
    labels = [[model.encode(label)] for label in LABELS]
    lines = (HERE / "real_model_pairs.jsonl").read_text().splitlines()
    queries = [judge(model, **json.loads(line), labels=labels) for line in lines]
    found = next(filter(None, (continuation(model, text) for text in PROMPTS)), None)
    if found is None:
        raise SystemExit("continuation: expected a prompt with clear steps, found none")
    write({"labels": labels, "queries": queries, "continuation": found}, arguments.out)
    print(f"{sum(len(q['items']) for q in queries)} pairs -> {arguments.out}")


if __name__ == "__main__":
    main()
