"""The rule for SciKnowEval's GB1_ftness_prediction: the fitness of most mutants is near 0.005."""

from __future__ import annotations

from openrft import Sample

TYPICAL, FARTHEST = 5, 200  # thousandths


def solve(sample: Sample) -> tuple[list[str], str | None]:
    """Thousandths are counted away from the typical one, down and up in turn, until an option has the number.

    The steps leave the answer open: the nearest option is right in two of three questions.
    """
    listed = [f"{chr(65 + i)}. {option}" for i, option in enumerate(sample.options)]
    names: dict[str, list[str]] = {}
    for line, option in zip(listed, sample.options, strict=True):
        names.setdefault(option, []).append(line[0])
    counted = []
    for away in range(FARTHEST):
        for thousandths in dict.fromkeys((TYPICAL - away, TYPICAL + away)):
            if thousandths >= 0:
                number = str(thousandths / 1000)
                counted.append(" ".join([number, *names.get(number, ["no"])]))
                if number in names:
                    return [*listed, ", ".join(counted)], None
    return [], None
