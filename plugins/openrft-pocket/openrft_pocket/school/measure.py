"""What a checkpoint can do on the tasks' own test items: accuracy, pass@16, answers not found, length of traces.

And what the process reward model can tell apart. These are the numbers of the README and of the model cards.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path

import openrft
from openrft import DataRequest, Sample
from openrft_pocket.checker import check_steps
from openrft_pocket.family import PocketFamily, name_of
from openrft_pocket.kinds import KINDS, LEVELS

TEMPERATURES = (0.6, 1.0)  # of evaluation, and of RL
SEED = 900  # of the measured items; development and benches use other seeds


def ability(policy: Path, items: int = 50, temperature: float = 0.6, tries: int = 16) -> dict[str, dict[str, float]]:
    """By task: mean accuracy of `tries` answers, pass@`tries`, unparsed share, mean tokens, share of sound lines."""
    opened = openrft.open_policy(str(policy))
    found = {}
    for name, kind in KINDS.items():
        task = PocketFamily().load(name_of(kind), DataRequest(train=1, test=items, seed=SEED))
        answers = opened.generate(
            [openrft.messages_for(sample) for sample in task.test],
            openrft.Sampling(n=tries, temperature=temperature, max_tokens=96, seed=SEED),
        )
        grades = [[task.grade(s, c.text) for c in group] for s, group in zip(task.test, answers, strict=True)]
        lines = [v for s, group in zip(task.test, answers, strict=True) for c in group for v in sound(s, c.text)]
        every = [grade for group in grades for grade in group]
        found[name] = {
            "accuracy": sum(grade.correct for grade in every) / len(every),
            "pass": sum(any(grade.correct for grade in group) for group in grades) / len(grades),
            "unparsed": sum(grade.answer is None for grade in every) / len(every),
            "tokens": sum(len(c.tokens) for group in answers for c in group) / len(every),
            "sound": sum(lines) / max(1, len(lines)),
        }
    reasoned = [found[name] for name in LEVELS["L3"]]
    found["mean of L3"] = {key: sum(marks[key] for marks in reasoned) / len(reasoned) for key in reasoned[0]}
    return found


def sound(sample: Sample, text: str) -> list[bool]:
    """Whether each line of an answer is true."""
    return check_steps(sample, openrft.steps_of(text))


def table(found: dict[str, dict[str, float]]) -> str:
    """Markdown."""
    keys = [*next(iter(found.values()))]
    rows = [
        f"| {name} | " + " | ".join(f"{marks[key]:.{1 if key == 'tokens' else 2}f}" for key in keys) + " |"
        for name, marks in found.items()
    ]
    return "\n".join([f"| task | {' | '.join(keys)} |", "|---" * (len(keys) + 1) + "|", *rows])


def auroc(scores: Sequence[float], labels: Sequence[bool]) -> float:
    """Chance that a positive scores above a negative, ties counting half."""
    order = sorted(range(len(scores)), key=lambda i: scores[i])
    rank, at = [0.0] * len(scores), 0
    while at < len(order):
        end = at
        while end < len(order) and scores[order[end]] == scores[order[at]]:
            end += 1
        for i in order[at:end]:
            rank[i] = (at + end + 1) / 2
        at = end
    good = sum(labels)
    if not good or good == len(labels):
        return float("nan")
    return (sum(r for r, label in zip(rank, labels, strict=True) if label) - good * (good + 1) / 2) / (
        good * (len(labels) - good)
    )


def insight(prm: Path, policy: Path, temperature: float, items: int = 25, each: int = 8) -> dict[str, float]:
    """AUROC of a line's soundness, of the least score against the final answer, and among right answers of the
    least score against a process without flaw. The exercises are test's: the model never saw them."""
    import torch

    from openrft_pocket.school.judge import load_skywork
    from openrft_pocket.school.layout import read
    from openrft_pocket.school.rows import pad

    judge, tokenizer = load_skywork(prm)
    opened = openrft.open_policy(str(policy))
    lines: list[tuple[float, bool]] = []
    wholes: list[tuple[float, bool, bool, bool]] = []
    for name in LEVELS["L3"]:
        task = PocketFamily().load(f"pocket/L3/{name}", DataRequest(train=1, test=items, seed=SEED))
        prompts = [openrft.messages_for(sample) for sample in task.test]
        answers = opened.generate(prompts, openrft.Sampling(n=each, temperature=temperature, max_tokens=96, seed=SEED))
        rows, facts = [], []
        for sample, messages, group in zip(task.test, prompts, answers, strict=True):
            for completion in group:
                steps = openrft.steps_of(completion.text)
                if steps:
                    rows.append(read(tokenizer, messages[-1]["content"], steps, [True] * len(steps), newline=True))
                    right = bool(task.grade(sample, completion.text).correct)
                    facts.append((check_steps(sample, steps), right, steps[0].startswith("guess ")))
        batch = pad(rows, tokenizer.pad_token_id)
        with torch.no_grad():
            scores = torch.sigmoid(judge.logits(torch.tensor(batch.ids)))
        for row, labels, (good, right, guess) in zip(scores, batch.labels, facts, strict=True):
            marks = [float(row[i]) for i, label in enumerate(labels) if label == 1]
            lines += zip(marks, good, strict=True)
            wholes.append((min(marks), right, all(good), guess))
    lucky = [(low, clean) for low, right, clean, _ in wholes if right]
    reasoned = [(low, right) for low, right, _, guess in wholes if not guess]
    return {
        "lines": auroc([s for s, _ in lines], [g for _, g in lines]),
        "answers": auroc([low for low, *_ in wholes], [right for _, right, *_ in wholes]),
        "reasoned": auroc([low for low, _ in reasoned], [right for _, right in reasoned]),
        "processes": auroc([low for low, _ in lucky], [clean for _, clean in lucky]),
        "lucky": sum(not clean for _, clean in lucky) / max(1, len(lucky)),
    }


def main() -> None:
    """Print the numbers of a family's checkpoints: python -m openrft_pocket.school.measure [FOLDER], the shipped ones
    if left out."""
    from openrft_pocket.shelf import CHECKPOINTS

    folder = Path(sys.argv[1]) if len(sys.argv) > 1 else CHECKPOINTS
    for name in ("policy", "teacher", "teacher-prose"):
        print(f"{name}:\n\n{table(ability(folder / name))}\n")
    for temperature in TEMPERATURES:
        print(f"prm, rollouts at temperature {temperature}:")
        for key, value in insight(folder / "prm", folder / "policy", temperature).items():
            print(f"  {key}: {value:.3f}")


if __name__ == "__main__":
    main()
