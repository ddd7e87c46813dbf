"""Train the process reward model on labelled solutions, and write it in its two formats."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path
from random import Random
from typing import Any

from openrft_pocket.school.rows import IGNORED, Batch, pad

RATE, WARMUP = 1e-3, 30  # of learning, and the steps that it rises over
Solution = tuple[list[int], list[int]]  # ids, labels (1 sound, 0 flawed, at step ends)


class Judge:
    """A policy's trunk and one linear head."""

    def __init__(self, policy: Any, seed: int) -> None:
        import torch

        torch.manual_seed(seed)
        self.policy = policy
        self.head = torch.nn.Linear(policy.config.hidden_size, 1)

    def parameters(self) -> Iterator:
        yield from self.policy.model.parameters()
        yield from self.head.parameters()

    def logits(self, ids: Any) -> Any:
        """(B, T) logit that the step which ends here is sound."""
        return self.head(self.policy.model(input_ids=ids, use_cache=False).last_hidden_state)[..., 0]


def teach(judge: Judge, batches: Iterable[Batch], steps: int) -> list[float]:
    """Binary cross-entropy at step ends; linear decay to nothing over the whole course. Losses by step."""
    import torch

    optimizer = torch.optim.AdamW(judge.parameters(), lr=RATE, betas=(0.9, 0.95), weight_decay=0.05)
    losses = []
    for step, batch in enumerate(batches):
        if step >= steps:
            break
        for group in optimizer.param_groups:
            group["lr"] = RATE * min(1, (step + 1) / WARMUP) * (1 - step / steps)
        ids, labels = torch.tensor(batch.ids), torch.tensor(batch.labels)
        kept = labels != IGNORED
        loss = torch.nn.functional.binary_cross_entropy_with_logits(judge.logits(ids)[kept], labels[kept].float())
        loss.backward()
        torch.nn.utils.clip_grad_norm_(list(judge.parameters()), 1.0)
        optimizer.step()
        optimizer.zero_grad(set_to_none=True)
        losses.append(loss.item())
    return losses


def batched(solutions: list[Solution], fill: int, size: int, seed: int) -> Iterator[Batch]:
    """Endless batches of solutions of like length."""
    rng = Random(seed)
    while True:
        order = sorted(solutions, key=lambda row: (len(row[0]), rng.random()))
        groups = [order[i : i + size] for i in range(0, len(order), size)]
        rng.shuffle(groups)
        yield from (pad(group, fill) for group in groups)


def ship_skywork(judge: Judge, tokenizer: Any, folder: Path) -> None:
    """A causal model's keys and `v_head.summary`: the layout of Skywork-o1-Open-PRM."""
    from safetensors.torch import load_file, save_file

    judge.policy.save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    file = folder / "model.safetensors"
    tensors = load_file(file)
    head = judge.head.state_dict()
    tensors |= {
        "v_head.summary.weight": head["weight"].detach().clone(),
        "v_head.summary.bias": head["bias"].detach().clone(),
    }
    save_file(tensors, file, metadata={"format": "pt"})


def ship_two_label(judge: Judge, tokenizer: Any, folder: Path) -> None:
    """AutoModelForTokenClassification with labels 0 (flawed) and 1 (sound); the same judgement, since
    softmax over (0, z) is sigmoid(z)."""
    import torch
    from transformers import LlamaConfig, LlamaForTokenClassification

    config = LlamaConfig.from_dict({**judge.policy.config.to_dict(), "num_labels": 2})
    config.architectures = ["LlamaForTokenClassification"]
    model = LlamaForTokenClassification(config)
    model.model.load_state_dict(judge.policy.model.state_dict())
    with torch.no_grad():
        model.score.weight.zero_()
        model.score.bias.zero_()
        model.score.weight[1] = judge.head.weight[0]
        model.score.bias[1] = judge.head.bias[0]
    model.save_pretrained(folder)
    tokenizer.save_pretrained(folder)


def load_skywork(folder: Path) -> tuple[Judge, Any]:
    """Read back what `ship_skywork` wrote."""
    from safetensors.torch import load_file
    from transformers import AutoModelForCausalLM, AutoTokenizer

    judge = Judge(AutoModelForCausalLM.from_pretrained(folder), 0)
    tensors = load_file(folder / "model.safetensors")
    judge.head.load_state_dict({"weight": tensors["v_head.summary.weight"], "bias": tensors["v_head.summary.bias"]})
    return judge, AutoTokenizer.from_pretrained(folder)
