"""The model card of a trained policy: README.md with Hugging Face's metadata, for people and hubs."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from openrft.bench.statistics import Interval
from openrft.bench.text_table import format_accuracy, format_gain, format_percent
from openrft.policies.description import Estimate, PolicyDescription
from openrft.runtime.text import escape_markdown, format_code
from openrft.version import __version__


def build_model_card(about: PolicyDescription, base: str, notes: tuple[str, ...], library: str = "transformers") -> str:
    """The card. `base` is the folder or hub id of the base model, and `notes` are the caveats of the bench. `library`:
    the hub's name of what loads the folder (transformers, peft or gguf)."""
    parts = [
        f"---\n{_build_metadata(about, base, library)}\n---",
        f"# {escape_markdown(about.title)}",
        f"{_describe_making(about)} Plugins: {escape_markdown(', '.join(about.plugins)) or 'none'}.",
        "\n".join(["## Results", "", *_list_results(about)]),
        "\n".join(["## How to ask it", "", *_list_usage(about)]),
        "\n".join(["## Limits", "", *(f"- {escape_markdown(line)}" for line in _list_limits(about, notes))]),
    ]
    return "\n\n".join(parts) + "\n"


def _describe_making(about: PolicyDescription) -> str:
    base, task = format_code(about.base), format_code(about.task)
    if not about.trained:
        return f"The weights are those of {base}: OpenRFT {__version__} did not train them. It was evaluated on {task}."
    return (
        f"Trained with OpenRFT {__version__} (reinforcement fine-tuning, arXiv 2412.16849) from {base} on"
        f" {about.train_samples} labelled questions of {task}."
    )


def read_licence(base: str) -> str | None:
    """The licence that the base model's own card names; None if it is not known without asking a hub."""
    from huggingface_hub import ModelCard

    card = Path(base) / "README.md"
    if not card.is_file():
        return None
    try:
        found = ModelCard.load(str(card)).data.get("license")
    except (OSError, ValueError):  # somebody else's file, which need not be a card
        return None
    return found if isinstance(found, str) else None


def _build_metadata(about: PolicyDescription, base: str, library: str) -> str:
    from huggingface_hub import EvalResult, ModelCardData

    results = []
    if about.score is not None:
        results.append(
            EvalResult(
                task_type="text-generation",
                dataset_type=about.task,
                dataset_name=about.task,
                metric_type="accuracy",
                metric_value=round(about.score.value, 4),
                metric_args={"low": round(about.score.low, 4), "high": round(about.score.high, 4)},
            )
        )
    named: dict[str, Any] = {} if Path(base).exists() else {"base_model": base}  # a folder means nothing elsewhere
    data = ModelCardData(
        license=read_licence(base),
        library_name=library,
        pipeline_tag="text-generation",
        tags=["openrft", "reinforcement-fine-tuning"],
        model_name=about.title,
        eval_results=results or None,
        **named,
    )
    return str(data.to_yaml()).strip()


def _list_results(about: PolicyDescription) -> Iterator[str]:
    if about.score is None:
        yield "No test answer could be scored."
        return
    over = f"{about.seeds} training seeds" if about.seeds > 1 else "one training seed"
    yield f"On {about.test_items} test questions, with 95% intervals, over {over}:"
    yield ""
    yield "| policy | accuracy, % |"
    yield "| :-- | --: |"
    if about.vanilla is not None:
        yield f"| the base model | {_show(about.vanilla)} |"
    yield f"| this arm | {_show(about.score)} |"
    for arm, score in about.arms.items():
        yield f"| the arm {escape_markdown(arm)} of the same bench | {_show(score)} |"
    if about.gain is not None:
        gain = format_gain(about.gain.value, about.gain.low, about.gain.high)
        yield ""
        yield f"Gain over the base model, in points: {gain}."


def _show(score: Estimate) -> str:
    return format_accuracy(Interval(score.value, score.low, score.high))


def _list_usage(about: PolicyDescription) -> Iterator[str]:
    yield "The chat template puts this instruction before a conversation that has no system turn:"
    yield ""
    yield from (f"> {escape_markdown(line)}" for line in about.instruction.splitlines())
    yield ""
    how = about.settings.get("evaluate", {})
    yield f"It was evaluated at temperature {how['temperature']:g} with at most {how['max_tokens']} tokens an answer."
    if about.demonstrations:
        yield ""
        yield (
            "It was trained with demonstrations before each question (demonstrations.jsonl), and it was evaluated with"
            f" them. `openrft predict` shows them, too ({escape_markdown(', '.join(about.demonstrations))})."
        )
    if about.answering:
        yield ""
        yield (
            f"Each of its answers was made of several completions by {escape_markdown(', '.join(about.answering))}."
            " `openrft predict` does the same. The results above do not hold for a server's single completions."
        )
        for option in about.weights:
            owner, _, name = option.partition(".")
            yield ""
            model = format_code(str(about.answering[owner][name]))
            yield f"They were scored by {model}, which is not in this folder (`--set {option}=PATH` says where)."


def _list_limits(about: PolicyDescription, notes: tuple[str, ...]) -> Iterator[str]:
    if about.seeds == 1 and about.trained:
        yield "One training seed: the intervals cover the draw of test questions, not training noise."
    if about.gain is not None and about.gain.low <= 0 <= about.gain.high:
        yield "The gain over the base model may be chance: its interval holds 0."
    if about.score is not None and about.score.value < 0.5:
        yield f"It is wrong more often than right, in {format_percent(1 - about.score.value)}% of its answers."
    yield "Measured on questions like those of its training split. Nothing is known about other questions."
    yield from notes
