"""The step of TRL's trainer in parts that fit in memory, with the forward pass that RL uses.

TRL computes a batch at once. For 8 rows of 325 tokens and a model of 135M parameters that takes 9 GB.
The sum of the losses of its parts has the same gradient. The policy's own forward pass adds no padding, computes a
beginning of prompts once, and the vocabulary's logits for the tokens of completions alone. Where several ranks work on
one job, each takes a share of the batch's rows, and the gradients are added up.

Imports torch and TRL: it is imported when training begins, not before.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import torch
from trl import SFTTrainer

from openrft import MemoryPlan, TrainablePolicy, current_ranks, run_within_memory
from openrft_sft.rows import IGNORED

CPU_BYTES = 1 << 30  # of activations at once

Row = tuple[list[int], list[int]]  # the tokens of the prompt and of the completion


def split_rows(rows: Sequence[Row], token_budget: int) -> Iterator[list[Row]]:
    """Parts of at most `token_budget` tokens, or of one row. Rows with the same prompt are neighbours."""
    part: list[Row] = []
    tokens = 0
    for prompt, completion in sorted(rows, key=lambda row: row[0]):
        size = len(prompt) + len(completion)
        if part and tokens + size > token_budget:
            yield part
            part, tokens = [], 0
        part.append((prompt, completion))
        tokens += size
    yield part


class MicroBatchTrainer(SFTTrainer):
    """An `SFTTrainer` whose step is taken in parts. The attributes are set by `in_parts`."""

    policy: TrainablePolicy
    plan: MemoryPlan

    def training_step(
        self, model: Any, inputs: dict[str, torch.Tensor], num_items_in_batch: Any = None
    ) -> torch.Tensor:
        """Add the batch's gradients, part by part. Returns its loss: the mean over the tokens of completions."""
        model.train()
        rows, ranks = _read_rows(inputs), current_ranks()
        here = sum(len(completion) for _, completion in rows) * self.args.gradient_accumulation_steps
        count = here if num_items_in_batch is None else num_items_in_batch  # of the whole optimizer step
        own = ranks.take_share(rows)
        trained = [p for p in model.parameters() if p.requires_grad]
        before = [None if p.grad is None else p.grad.clone() for p in trained]  # of the step's earlier batches

        def add_gradients() -> torch.Tensor:
            for parameter, gradient in zip(trained, before, strict=True):
                parameter.grad = gradient.clone() if gradient is not None and ranks.first else None
            total = torch.zeros((), device=model.device)
            for part in split_rows(own, self.plan.tokens) if own else ():
                with torch.autocast(model.device.type, torch.bfloat16, enabled=self.args.bf16, cache_enabled=False):
                    prompts, completions = zip(*part, strict=True)
                    logprobs, mask = self.policy.completion_logprobs(prompts, completions, across_prompts=True)
                    loss = -(logprobs * mask).sum() / count
                loss.backward()
                total += loss.detach()
            return total

        total = run_within_memory(self.policy, self.plan, add_gradients)
        ranks.add_gradients(trained)
        return sum(ranks.gather(total), torch.zeros_like(total)) if ranks.size > 1 else total


def in_parts(policy: TrainablePolicy, plan: MemoryPlan) -> type[SFTTrainer]:
    """The trainer class for this policy."""
    return type("MicroBatchTrainer", (MicroBatchTrainer,), {"policy": policy, "plan": plan})


def _read_rows(inputs: dict[str, torch.Tensor]) -> list[Row]:
    """The rows of a batch that the collator padded on the right."""
    rows = []
    for ids, labels in zip(inputs["input_ids"].tolist(), inputs["labels"].tolist(), strict=True):
        learnt = [i for i, label in enumerate(labels) if label != IGNORED]
        first, end = learnt[0], learnt[-1] + 1
        rows.append((ids[:first], ids[first:end]))
    return rows
