"""Write a model card into each checkpoint: what it was made from, what was measured, and its limits."""

from __future__ import annotations

from math import prod
from pathlib import Path
from typing import Any

from openrft_pocket.training.curriculum import PhaseSteps
from openrft_pocket.training.evaluation import DATA_SEED, format_markdown

HEAD = """---
license: mit
language: en
library_name: transformers
---
# {name}

{about}

{training} Made from generated text alone by the stages of `openrft_pocket.build`, seed {seed} (the README of the plugin
tells each). Up to the teacher: {steps} steps, {tokens:.1f}M tokens, {minutes:.0f} minutes on 2 shared cores. Llama,
hidden 128, 4 layers, 4 heads of size 32, {parameters:.2f}M parameters, byte-level BPE of 1,024 tokens, context 4,096.
"""
# These texts are those of the shipped cards, so that a build of seed 0 describes its models in the same words.
ABOUT = {
    "policy": "A reasoner of pocket size: it answers four-option questions line by line and boxes a letter. It knows "
    "how, and is careless: every line may be wrong. That is the imperfection reinforcement fine-tuning is to repair.",
    "teacher": "The pocket policy before it was taught carelessness: the same step style, few slips.",
    "teacher-prose": "The teacher in a second step style: the same steps in other words, longer. A teacher that is "
    "stronger than the policy and whose steps are not the policy's.",
    "prm": "Scores every line of a solution of a pocket question. Format: Skywork-o1-Open-PRM (causal model keys and "
    "`v_head.summary`; sigmoid at the newline that ends a step).",
    "prm-two-label": "The same judgement as `prm`, as AutoModelForTokenClassification with labels 0 (flawed) and 1 "
    "(sound), read at the newline that ends a step.",
}
PRM_TRAINING = (
    "Trained, after the teacher's courses, on 12,000 solutions by a slipping hand and 20,000 of the policy's own (half "
    "at temperature 1, half at 0.6), each line labelled by the tasks' exact checker."
)
HOW_TRAINED = {  # what follows the phases that all share
    "policy": "After the teacher's courses {careless} steps on guesses and on traces with flawed steps.",
    "teacher": "The last of the courses: nothing follows.",
    "teacher-prose": "After the teacher's courses {prose} steps of traces in the second style.",
    "prm": PRM_TRAINING,
    "prm-two-label": PRM_TRAINING,
}
LIMITS = """
Limits: it knows nothing beyond its kinds of question, the lowest or highest of four listed values, small whole numbers,
ten atomic masses, ten valences and twenty-four ion charges. Other questions are answered at chance. Wordings far from
those of pre-training cost accuracy.
"""


def write_cards(out: Path, seed: int, totals: dict[str, float], measured: dict[str, Any]) -> None:
    """`totals`: steps, tokens and seconds up to the teacher. `measured`: what the stage `evaluation` wrote."""
    from safetensors import safe_open

    for name, about in ABOUT.items():
        with safe_open(out / name / "model.safetensors", "pt") as tensors:
            size = sum(prod(tensors.get_slice(key).get_shape()) for key in tensors.keys())  # noqa: SIM118
        text = HEAD.format(
            name=f"pocket/{name}" if name != "policy" else "pocket",
            about=about,
            training=HOW_TRAINED[name].format(careless=PhaseSteps.careless, prose=PhaseSteps.prose),
            seed=seed,
            steps=round(totals["steps"]),
            tokens=totals["tokens"] / 1e6,
            minutes=totals["seconds"] / 60,
            parameters=size / 1e6,
        )
        if name in measured:
            text += (
                f"\nOn 50 held-out items a task (data seed {DATA_SEED}), 16 answers each at temperature 0.6:\n\n"
                f"{format_markdown(measured[name])}\n\n"
                "`pass`: items answered rightly at least once; `sound`: true lines.\n"
            )
        if name.startswith("prm"):
            text += "\nOn the policy's answers to held-out exercises, which it never saw (AUROC):\n"
            for temperature, values in measured["reward_model"].items():
                text += f"\nAt temperature {temperature}:\n\n{_format_aurocs(values)}"
        (out / name / "README.md").write_text(text + LIMITS)


def _format_aurocs(values: dict[str, float]) -> str:
    descriptions = {
        "lines": "a line's soundness",
        "answers": "least score of a solution against its final answer",
        "reasoned": "the same, guesses left out",
        "processes": "least score against a flawless process, among right answers",
        "lucky": "(share of right answers whose process has a flaw; not an AUROC)",
    }
    return "".join(f"- {descriptions[key]}: {value:.3f}\n" for key, value in values.items())
