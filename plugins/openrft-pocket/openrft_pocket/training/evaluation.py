"""What a model can do: greedy accuracy while it trains, and the measured numbers of the README and the model cards.

Finished policies are measured on the tasks' own test items: accuracy, pass@16, unparsed answers, length of answers and
sound lines. The process reward model is measured on the policy's answers to them.

    python -m openrft_pocket.training.evaluation [FOLDER]    # a family's checkpoints; without FOLDER the shipped ones
"""

from __future__ import annotations

import sys
from dataclasses import replace
from pathlib import Path
from random import Random
from typing import TYPE_CHECKING

import openrft
from openrft import DataRequest, Sample, compute_auroc
from openrft_pocket.models import CHECKPOINTS
from openrft_pocket.question_types import LEVELS, QUESTION_TYPES
from openrft_pocket.question_types.trace import TraceWriter
from openrft_pocket.tasks import PocketFamily, check_steps, task_name
from openrft_pocket.training.data_mix import DataMix, draw_question
from openrft_pocket.training.encoding import IGNORED, Segment, encode_rows, pad_rows, render_conversation
from openrft_pocket.training.reward_model import load_skywork, tokenize_solution
from openrft_pocket.training.table_questions import draw_rule, draw_table_question

if TYPE_CHECKING:
    from transformers import PreTrainedModel, PreTrainedTokenizerBase

SKILL_ITEMS, SKILL_SEED = 24, 1  # questions of each skill while a model trains, and the seed that draws them
TEMPERATURES = (0.6, 1.0)  # of evaluation, and of RL
DATA_SEED = 900  # of the measured items; development and benches use other seeds


def evaluate_skills(
    model: PreTrainedModel, tokenizer: PreTrainedTokenizerBase, task_wordings: bool = False
) -> dict[str, float]:
    """Greedy accuracy of each question type, in the training wordings or in the tasks' own."""
    accuracies = {}
    for name, question_type in QUESTION_TYPES.items():
        rng = Random(f"exam {SKILL_SEED} {name}")
        templates = question_type.wordings if task_wordings else question_type.training_wordings
        rows = []
        for _ in range(SKILL_ITEMS):
            question, solution, _ = draw_question(question_type, rng, DataMix(), rng.choice(templates))
            rows.append(render_conversation([(question, solution)]))
        accuracies[name] = _compute_greedy_accuracy(model, tokenizer, rows)
    return accuracies


def evaluate_tables(model: PreTrainedModel, tokenizer: PreTrainedTokenizerBase) -> float:
    """Greedy accuracy on questions about tables that state their rule."""
    rng = Random(f"exam {SKILL_SEED} listing")
    rules = [replace(draw_rule(rng), stated=True) for _ in range(SKILL_ITEMS)]
    rows = [render_conversation([draw_table_question(rng, TraceWriter(), rule, 3)]) for rule in rules]
    return _compute_greedy_accuracy(model, tokenizer, rows)


def _compute_greedy_accuracy(
    model: PreTrainedModel, tokenizer: PreTrainedTokenizerBase, rows: list[list[Segment]]
) -> float:
    """The share of rows whose true solution is the model's first choice at every token. One forward pass on it equals
    greedy decoding as long as every token is right."""
    import torch

    batch = pad_rows(encode_rows(tokenizer, rows), tokenizer.pad_token_id)
    ids, labels = torch.tensor(batch.ids), torch.tensor(batch.labels)
    with torch.no_grad():
        best = model(input_ids=ids, use_cache=False).logits[:, :-1].argmax(-1)
    right = (best == labels[:, 1:]) | (labels[:, 1:] == IGNORED)
    return float(right.all(1).float().mean())


def measure_policy(
    checkpoint: Path, items: int = 50, temperature: float = 0.6, answers: int = 16
) -> dict[str, dict[str, float]]:
    """By task: accuracy, pass (right at least once in `answers`), unparsed share, mean tokens, share of sound lines."""
    policy = openrft.open_policy(str(checkpoint))
    sampling = openrft.Sampling(n=answers, temperature=temperature, max_tokens=96, seed=DATA_SEED)
    measured = {}
    for name, question_type in QUESTION_TYPES.items():
        task = PocketFamily().load(task_name(question_type), DataRequest(train=1, test=items, seed=DATA_SEED))
        groups = policy.generate([openrft.build_messages(sample) for sample in task.test], sampling)
        pairs = list(zip(task.test, groups, strict=True))
        grades = [[task.grade(sample, completion.text) for completion in group] for sample, group in pairs]
        sound = [mark for sample, group in pairs for c in group for mark in _check_lines(sample, c.text)]
        all_grades = [grade for group in grades for grade in group]
        measured[name] = {
            "accuracy": sum(bool(grade.correct) for grade in all_grades) / len(all_grades),
            "pass": sum(any(grade.correct for grade in group) for group in grades) / len(grades),
            "unparsed": sum(grade.answer is None for grade in all_grades) / len(all_grades),
            "tokens": sum(len(c.tokens) for group in groups for c in group) / len(all_grades),
            "sound": sum(sound) / max(1, len(sound)),
        }
    reasoning = [measured[name] for name in LEVELS["L3"]]
    measured["mean of L3"] = {key: sum(row[key] for row in reasoning) / len(reasoning) for key in reasoning[0]}
    return measured


def _check_lines(sample: Sample, text: str) -> list[bool]:
    """Whether each line of an answer is sound."""
    return check_steps(sample, openrft.split_steps(text))


def format_markdown(measured: dict[str, dict[str, float]]) -> str:
    """What `measure_policy` found, as a Markdown table."""
    keys = [*next(iter(measured.values()))]
    rows = [
        f"| {name} | " + " | ".join(f"{row[key]:.{1 if key == 'tokens' else 2}f}" for key in keys) + " |"
        for name, row in measured.items()
    ]
    return "\n".join([f"| task | {' | '.join(keys)} |", "|---" * (len(keys) + 1) + "|", *rows])


def measure_reward_model(
    checkpoint: Path, policy_checkpoint: Path, temperature: float, items: int = 25, answers: int = 8
) -> dict[str, float]:
    """AUROCs of the process reward model on the policy's answers to test problems, which it never saw.

    `lines`: a line's score against its soundness. `answers`: the least score of a solution against its final answer.
    `reasoned`: the same without guesses. `processes`: the least score against a flawless process, among right answers.
    `lucky` is no AUROC: the share of right answers whose process has a flaw.
    """
    import torch

    model, tokenizer = load_skywork(checkpoint)
    policy = openrft.open_policy(str(policy_checkpoint))
    sampling = openrft.Sampling(n=answers, temperature=temperature, max_tokens=96, seed=DATA_SEED)
    lines: list[tuple[float, bool]] = []  # score, sound
    solutions: list[tuple[float, bool, bool, bool]] = []  # least score, right, flawless, guess
    for name in LEVELS["L3"]:
        task = PocketFamily().load(f"pocket/L3/{name}", DataRequest(train=1, test=items, seed=DATA_SEED))
        prompts = [openrft.build_messages(sample) for sample in task.test]
        rows, facts = [], []
        for sample, messages, group in zip(task.test, prompts, policy.generate(prompts, sampling), strict=True):
            for completion in group:
                steps = openrft.split_steps(completion.text)
                if steps:
                    question = messages[-1]["content"]
                    rows.append(tokenize_solution(tokenizer, question, steps, [True] * len(steps), newline=True))
                    right = bool(task.grade(sample, completion.text).correct)
                    facts.append((check_steps(sample, steps), right, steps[0].startswith("guess ")))
        batch = pad_rows(rows, tokenizer.pad_token_id)
        with torch.no_grad():
            all_scores = torch.sigmoid(model.logits(torch.tensor(batch.ids)))
        for row, labels, (sound, right, guess) in zip(all_scores, batch.labels, facts, strict=True):
            scores = [float(row[i]) for i, label in enumerate(labels) if label == 1]
            lines += zip(scores, sound, strict=True)
            solutions.append((min(scores), right, all(sound), guess))
    right_ones = [(least, flawless) for least, right, flawless, _ in solutions if right]
    reasoned = [(least, right) for least, right, _, guess in solutions if not guess]
    return {
        "lines": compute_auroc([score for score, _ in lines], [sound for _, sound in lines]),
        "answers": compute_auroc([least for least, *_ in solutions], [right for _, right, *_ in solutions]),
        "reasoned": compute_auroc([least for least, _ in reasoned], [right for _, right in reasoned]),
        "processes": compute_auroc([least for least, _ in right_ones], [flawless for _, flawless in right_ones]),
        "lucky": sum(not flawless for _, flawless in right_ones) / max(1, len(right_ones)),
    }


def main() -> None:
    """Print what a family's checkpoints can do."""
    folder = Path(sys.argv[1]) if len(sys.argv) > 1 else CHECKPOINTS
    for name in ("policy", "teacher", "teacher-prose"):
        print(f"{name}:\n\n{format_markdown(measure_policy(folder / name))}\n")
    for temperature in TEMPERATURES:
        print(f"prm, rollouts at temperature {temperature}:")
        for key, value in measure_reward_model(folder / "prm", folder / "policy", temperature).items():
            print(f"  {key}: {value:.3f}")


if __name__ == "__main__":
    main()
