"""The benchmark's own scoring rules, faults included, for comparison with numbers published elsewhere.

They look at the whole completion. Known faults: a multiple-choice answer in a box scores nothing; the letters are
tried from D down, so the first that is merely mentioned decides; `no` inside `not` or `know` is a No.
"""

from __future__ import annotations

from openrft import Sample

_AFTER = (".", "\n", ")", " ", '"')  # a letter with one of these behind it counts as chosen


def official(sample: Sample, completion: str) -> bool | None:
    """Right or wrong by the benchmark's scorer; None for an item at which that scorer stops with an error."""
    text = completion.strip()
    if sample.kind == "choice":
        labelled = sample.options[: sample.meta.get("labels")]  # it knows texts by their labels, and no others
        return _choice(sample, labelled, text) if len(labelled) in (2, 4) else None
    if sample.kind == "boolean":
        return _boolean(sample.answer, text.lower())
    return sample.answer.strip() in text


def _choice(sample: Sample, options: tuple[str, ...], text: str) -> bool:
    if len(text) < 2:
        return text == sample.answer
    wrong = [option for letter, option in zip("ABCD", options, strict=False) if letter != sample.answer]
    if sample.gold in text and not any(option in text for option in wrong):
        return True
    for letter in "DCBA":
        if text[0] == letter or f'"{letter}' in text or any(letter + mark in text for mark in _AFTER):
            return letter == sample.answer
    return False


def _boolean(answer: str, text: str) -> bool:
    if answer.lower() in text:
        return True
    if "true" in text:
        return answer == "Yes"
    return "false" in text and answer == "No"
