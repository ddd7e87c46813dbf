"""The checks against a rewording that changes the answer."""

from __future__ import annotations

import pytest
from openrft_augment.checks import count_numbers, find_fault, find_formulas

from openrft import Sample


@pytest.mark.parametrize(
    ("question", "rewording", "fault"),
    [
        ("Heat 2.5 mol to 300 K?", "To 300 K, heat 2.50 mol?", None),
        ("Cool it to -5 degrees?", "Cool it to \u22125 degrees?", None),
        ("Cool it to -5 degrees?", "Cool it to 5 degrees?", "number"),
        ("Pay 1,000 now?", "Now pay 1000?", None),
        ("Between 10-20 m?", "Between 10 and 20 m?", None),
        ("Use 6.02e23 atoms?", "Use 6.02e22 atoms?", "number"),
        ("Use 3 and 3?", "Use 3?", "number"),
        ("Use three?", "Use 3?", "number"),
        ("What is the mass of H2SO4?", "How heavy is H2SO4?", None),
        ("What is the mass of H2SO4?", "How heavy is H2S O4?", "formula"),
        ("Precursor of CC(=O)O?", "What gives CC(=O)O?", None),
        ("Precursor of CC(=O)O?", "What gives C(=O)CO?", "formula"),
        ("Precursor of C(C)O?", "What gives acetic acid?", "formula"),
        ("Water (H2O) is what?", "What is H2O, water?", None),
        ("Weigh Al3N?", "Find M(Al3N), the mass of Al3N?", None),
        ("Weigh Al3N?", "Find Al3N2, in g?", "formula"),
        ("Weigh Al3N?", "Find Al3N, not Al2O3?", "formula"),
        ("S2C 38, C6K 17: how fit is C6K/S2C?", "S2C 38, C6K 17: how fit are S2C and C6K?", None),
        ("S2C 38, C6K 17: how fit is C6K/S2C?", "S2C 17, C6K 38, 1: how fit are S2C and C6K?", "number"),
        ("Cell of 2 x 3?", "Cell with a=2, b=3?", None),
        ("Cell of a=2, b=3?", "Cell of 2 x 4?", "number"),
        ("Is C/C=C/C flat?", "Flat is C/C=C\\C?", "formula"),
        ("What and/or why?", "What, why, or both?", None),
        ("Is it sodium?", "Is it \\boxed{A}?", "answer"),
    ],
)
def test_numbers_and_formulas(question: str, rewording: str, fault: str | None) -> None:
    assert find_fault(Sample(question, "Yes", kind="boolean"), rewording) == fault


def test_the_gold_text_may_not_be_told_unless_the_question_tells_it() -> None:
    sample = Sample("Which metal is liquid?", "A", ("mercury", "iron"))
    assert find_fault(sample, "Is mercury the liquid metal?") == "answer"
    assert find_fault(sample, "Which liquid metal, mercurys aside?") is None
    told = Sample("Is mercury or iron liquid?", "A", ("mercury", "iron"))
    assert find_fault(told, "Which is liquid, iron or mercury?") is None


def test_what_counts_as_number_and_formula() -> None:
    assert count_numbers("x-5, -5, 1e3 and H2O") == {5.0: 1, -5.0: 1, 1000.0: 1, 2.0: 1}
    assert find_formulas("Take (H2O) and $E=mc^2$, with Fe3+/O2 and/or air.") == {"H2O", "$E=mc^2$", "Fe3+", "O2"}
