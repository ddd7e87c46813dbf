"""The rule for SciKnowEval's GB1_ftness_prediction: the fitness of most mutants is near 0.005."""

from __future__ import annotations

from openrft import Sample

TYPICAL, FARTHEST = 5, 200  # thousandths


def solve(sample: Sample) -> tuple[list[str], str | None]:
    """Thousandths are counted away from the typical one, down and up in turn, until an option has the number.

    The steps leave the answer open: the nearest option is right in two of three questions.
    """
    names: dict[str, list[str]] = {}
    for i, option in enumerate(sample.options):
        names.setdefault(option, []).append(chr(65 + i))
    counted = []
    for away in range(FARTHEST):
        for thousandths in dict.fromkeys((TYPICAL - away, TYPICAL + away)):
            if thousandths >= 0:
                number = str(thousandths / 1000)
                counted.append(" ".join([number, *names.get(number, ["no"])]))
                if number in names:
                    return [", ".join(counted)], None
    return [], None
