"""How often a blind guess in the asked form is right. Accuracy is only ability where it is above this."""

from __future__ import annotations

from openrft.types import LETTERS, Sample


def chance_of_guessing(sample: Sample) -> float:
    """The share of right answers among those that the question offers, in [0, 1]; 0 where it offers none.

    A choice of four has 1/4, or more if several options are accepted; a yes-no question has 1/2.
    """
    if sample.kind == "choice" and sample.options:
        letters = LETTERS[: len(sample.options)]
        return len({sample.answer, *sample.accepted} & set(letters)) / len(letters)
    return 0.5 if sample.kind == "boolean" else 0.0
