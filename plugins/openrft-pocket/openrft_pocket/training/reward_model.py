"""The process reward model: how it reads a solution, how it is trained, and its two file formats.

Two layouts. Skywork's: bos, question and newline, then each line and its newline. The two-label one (TRL's): bos,
question, then each line and its newline, without a newline after the question. A score is read at the newline that ends
a step.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from random import Random
from typing import TYPE_CHECKING, Any

from openrft_pocket.training.encoding import IGNORED, Batch, pad_rows
from openrft_pocket.training.labelled_solutions import LabelledSolution, sample_solutions, write_solutions

if TYPE_CHECKING:
    from transformers import PreTrainedModel, PreTrainedTokenizerBase

LEARNING_RATE, WARMUP_STEPS = 1e-3, 30
BATCH_SIZE = 24  # solutions
WRITTEN_STEPS, SAMPLED_STEPS = 800, 3000  # training steps on written solutions, then on mostly the policy's own
TokenizedSolution = tuple[list[int], list[int]]  # ids; labels: 1 (sound) or 0 (flawed) at step ends, elsewhere IGNORED


class RewardModel:
    """A policy's trunk and one linear head."""

    def __init__(self, policy: PreTrainedModel, seed: int) -> None:
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


def build_reward_model(teacher: Path, policy: Path, out: Path, seed: int) -> None:
    """Train from the teacher, and write `out/prm` (Skywork v_head) and `out/prm-two-label`.

    First on solutions that the trace writer makes with errors, then on mostly the policy's own.
    """
    import torch
    from transformers import AutoModelForCausalLM, AutoTokenizer

    torch.set_num_threads(1)
    tokenizer = AutoTokenizer.from_pretrained(teacher)
    model = RewardModel(AutoModelForCausalLM.from_pretrained(teacher), seed)
    written = tokenize_solutions(tokenizer, write_solutions(12_000, seed))
    drawn = [*sample_solutions(policy, 2500, 4, seed, 1.0), *sample_solutions(policy, 2500, 4, seed, 0.6)]
    sampled = tokenize_solutions(tokenizer, drawn)
    for solutions, steps in ((written, WRITTEN_STEPS), (sampled + written[: len(sampled) // 3], SAMPLED_STEPS)):
        batches = draw_solution_batches(solutions, tokenizer.pad_token_id, BATCH_SIZE, seed)
        losses = train_reward_model(model, batches, steps)
        print(f"prm: {len(solutions)} solutions, {steps} steps, loss {sum(losses[-50:]) / 50:.3f}", flush=True)
    save_skywork(model, tokenizer, out / "prm")
    save_two_label(model, tokenizer, out / "prm-two-label")


def tokenize_solution(
    tokenizer: PreTrainedTokenizerBase, question: str, steps: Sequence[str], sound: Sequence[bool], newline: bool
) -> TokenizedSolution:
    """Ids and labels in Skywork's layout if `newline`, in the two-label one otherwise."""
    head = f"{question}\n" if newline else question
    ids = [tokenizer.bos_token_id, *tokenizer.encode(head, add_special_tokens=False)]
    labels = [IGNORED] * len(ids)
    step_end = tokenizer.encode("\n", add_special_tokens=False)[-1]
    for step, is_sound in zip(steps, sound, strict=True):
        step_ids = tokenizer.encode(step, add_special_tokens=False)
        ids += [*step_ids, step_end]
        labels += [IGNORED] * len(step_ids) + [int(is_sound)]
    return ids, labels


def tokenize_solutions(
    tokenizer: PreTrainedTokenizerBase, solutions: Sequence[LabelledSolution]
) -> list[TokenizedSolution]:
    """The two layouts alternate, so that one model serves both formats."""
    return [
        tokenize_solution(tokenizer, solution.question, solution.steps, solution.sound, newline=i % 2 == 0)
        for i, solution in enumerate(solutions)
    ]


def draw_solution_batches(solutions: list[TokenizedSolution], pad_id: int, size: int, seed: int) -> Iterator[Batch]:
    """Endless batches of solutions of similar length."""
    rng = Random(seed)
    while True:
        order = sorted(solutions, key=lambda row: (len(row[0]), rng.random()))
        groups = [order[i : i + size] for i in range(0, len(order), size)]
        rng.shuffle(groups)
        yield from (pad_rows(group, pad_id) for group in groups)


def train_reward_model(model: RewardModel, batches: Iterable[Batch], steps: int) -> list[float]:
    """Binary cross-entropy at step ends, with linear decay to zero over all steps. Returns the loss of each step."""
    import torch

    optimizer = torch.optim.AdamW(model.parameters(), lr=LEARNING_RATE, betas=(0.9, 0.95), weight_decay=0.05)
    losses = []
    for step, batch in enumerate(batches):
        if step >= steps:
            break
        for group in optimizer.param_groups:
            group["lr"] = LEARNING_RATE * min(1, (step + 1) / WARMUP_STEPS) * (1 - step / steps)
        ids, labels = torch.tensor(batch.ids), torch.tensor(batch.labels)
        kept = labels != IGNORED
        loss = torch.nn.functional.binary_cross_entropy_with_logits(model.logits(ids)[kept], labels[kept].float())
        loss.backward()
        torch.nn.utils.clip_grad_norm_(list(model.parameters()), 1.0)
        optimizer.step()
        optimizer.zero_grad(set_to_none=True)
        losses.append(loss.item())
    return losses


def save_skywork(model: RewardModel, tokenizer: PreTrainedTokenizerBase, folder: Path) -> None:
    """A causal model's keys and `v_head.summary`: the format of Skywork-o1-Open-PRM."""
    from safetensors.torch import load_file, save_file

    model.policy.save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    file = folder / "model.safetensors"
    tensors = load_file(file)
    head = model.head.state_dict()
    tensors |= {
        "v_head.summary.weight": head["weight"].detach().clone(),
        "v_head.summary.bias": head["bias"].detach().clone(),
    }
    save_file(tensors, file, metadata={"format": "pt"})


def save_two_label(model: RewardModel, tokenizer: PreTrainedTokenizerBase, folder: Path) -> None:
    """AutoModelForTokenClassification with labels 0 (flawed) and 1 (sound). The scores are the same, since
    softmax over (0, z) is sigmoid(z)."""
    import torch
    from transformers import LlamaConfig, LlamaForTokenClassification

    config = LlamaConfig.from_dict({**model.policy.config.to_dict(), "num_labels": 2})
    config.architectures = ["LlamaForTokenClassification"]
    classifier = LlamaForTokenClassification(config)
    classifier.model.load_state_dict(model.policy.model.state_dict())
    with torch.no_grad():
        classifier.score.weight.zero_()
        classifier.score.bias.zero_()
        classifier.score.weight[1] = model.head.weight[0]
        classifier.score.bias[1] = model.head.bias[0]
    classifier.save_pretrained(folder)
    tokenizer.save_pretrained(folder)


def load_skywork(folder: Path) -> tuple[RewardModel, Any]:
    """The model and tokenizer that `save_skywork` wrote."""
    from safetensors.torch import load_file
    from transformers import AutoModelForCausalLM, AutoTokenizer

    model = RewardModel(AutoModelForCausalLM.from_pretrained(folder), 0)
    tensors = load_file(folder / "model.safetensors")
    model.head.load_state_dict({"weight": tensors["v_head.summary.weight"], "bias": tensors["v_head.summary.bias"]})
    return model, AutoTokenizer.from_pretrained(folder)
