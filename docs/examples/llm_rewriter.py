"""More questions in a language model's words. One is kept if its numbers stayed and it does not tell the answer."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace

import openrft
from openrft import Completion, HookResult, Policy, Progress, Sample, Sampling

ASK = "Write the question below in other words. Keep its meaning and every number. Write nothing else."


class Rewriter(openrft.Plugin):
    """Any policy can rewrite: a checkpoint, a server (`openai:URL#MODEL`), or the policy in training."""

    requires = ("rl",)

    @dataclass(frozen=True)
    class Options:
        model: openrft.WeightsPath = openrft.option("", help="The model that rewrites; empty: the policy itself.")
        variants: int = openrft.option(2, help="New wordings asked for each question.", ge=1)
        temperature: float = openrft.option(0.8, help="Sampling temperature of the model.", ge=0)
        max_tokens: int = openrft.option(256, help="Most tokens of a new wording.", ge=1)

    def __init__(self, options: Options) -> None:
        self.options = options

    @openrft.hookimpl
    def augment(
        self, samples: Sequence[Sample], policy: Policy, seed: int, progress: Progress
    ) -> HookResult[list[Sample]]:
        """Those that were kept; the counts say why others were not."""
        own = self.options
        model = openrft.open_policy(own.model, owner="rewriter") if own.model else policy
        prompts = [({"role": "user", "content": f"{ASK}\n\n{sample.question}"},) for sample in samples]
        sampling = Sampling(own.variants, own.temperature, max_tokens=own.max_tokens, seed=seed)
        made, counts = [], Counter[str]()
        for sample, group in zip(samples, model.generate(prompts, sampling, progress), strict=True):
            for completion in group:
                text = openrft.strip_thinking(completion.text).strip()
                counts[verdict := judge(sample, completion, text)] += 1
                if verdict == "kept":
                    new = replace(sample, question=text, copy_index=0)
                    made.append(replace(new, parent=sample.root_id, created_by="rewriter"))
        return HookResult(made, counts)


def judge(sample: Sample, completion: Completion, text: str) -> str:
    """What becomes of a new wording: "kept", or why it is not."""
    if completion.finish_reason != "stop" or not text:
        return "incomplete"
    if Counter(re.findall(r"\d+(?:\.\d+)?", text)) != Counter(re.findall(r"\d+(?:\.\d+)?", sample.question)):
        return "changes_numbers"
    return "tells_answer" if sample.gold in text and sample.gold not in sample.question else "kept"
