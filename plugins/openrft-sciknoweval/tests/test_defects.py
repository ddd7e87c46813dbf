"""Each known defect is caught on a row made to have it, and not on a sound one."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from openrft_sciknoweval.defects import CONFLICT, DEFECTS, DUPLICATE, find_defects
from openrft_sciknoweval.rows import Row, parse_row

README = Path(__file__).parents[1] / "README.md"
DIFFUSION = "Diffusion Barrier 1(eV): -0.2"
PEROVSKITE = "Given data:\nMaterial Composition: XO3, energy_above_hull (meV/atom): 5"


def found(row: dict[str, Any], leaf: str = "") -> list[str]:
    parsed = parse_row(row)
    assert isinstance(parsed, Row)
    return find_defects(parsed, leaf)


def options(*texts: str) -> dict[str, Any]:
    return {"text": list(texts), "label": ["A", "B", "C", "D"]}


def test_sound_row_has_none(choice: Any) -> None:
    assert found(choice()) == []
    assert found(choice(question="over\n new lines\tand tabs, 5 \u00c5\u00b3, caf\u00e9")) == []


def test_option_count(choice: Any) -> None:
    assert found(choice(choices=options("a", "b", "c", "d", "e"))) == ["option_count"]
    assert found(choice(choices=options("a"))) == ["option_count"]
    two = {"text": ["a", "b"], "label": ["A", "B"]}
    assert found(choice(choices=two)) == ["option_count"]  # the type says four
    assert found(choice(choices=two, type="mcq-2-choices")) == []


def test_options(choice: Any) -> None:
    assert found(choice(choices=options("a", "The correct option.", "c", "d"))) == ["placeholder_gold"]
    assert found(choice(choices=options("a", "the correct option", "c", "d"), answerKey="A")) == []
    assert found(choice(choices=options("x  y", "x y", "c", "d"))) == ["duplicate_gold"]
    assert found(choice(choices=options("a", "b", "c", "c"))) == []
    assert found(choice(choices=options("mA", "MA", "c", "d"))) == []


@pytest.mark.parametrize(
    ("leaf", "given"),
    [
        ("diffusion_rate_analysis", DIFFUSION),
        ("lattice_volume_calculation", "a = 5.2, b = 3"),
        ("perovskite_stability_prediction", PEROVSKITE),
        ("valence_electron_difference_calculation", "NdValence = -1.5"),
    ],
)
def test_data_missing(choice: Any, leaf: str, given: str) -> None:
    texts = options("XO3", "XO3", "XO3", "XO3")
    assert "data_missing" in found(choice(question="Based on the given data, choose.", choices=texts), leaf)
    assert "data_missing" not in found(choice(question=f"Choose. {given}", choices=texts), leaf)


def test_option_not_in_data(choice: Any) -> None:
    row = choice(question=PEROVSKITE, choices=options("XO3", "YO3", "XO3", "XO3"))
    assert found(row, "perovskite_stability_prediction") == ["option_not_in_data"]
    assert found(row, "another_task") == []


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("Al\text{O}", "eaten_backslash"),
        ("5 \times 3", "eaten_backslash"),
        ("\frac{1}{2}", "eaten_backslash"),
        ("a\x00b", "control_character"),
        ("it\u00e2\u20ac\u2122s", "mojibake"),
        ("5 \u00c2\u00b0C", "mojibake"),
        ("a \ufffd b", "mojibake"),
    ],
)
def test_text(choice: Any, text: str, name: str) -> None:
    assert name in found(choice(question=text))
    assert name in found(choice(choices=options(text, "b", "c", "d")))


def test_unreadable_gold(other: Any) -> None:
    assert found(other("relation_extraction", "Which?", "none"), "drug_drug_relation_extraction") == ["unreadable_gold"]
    assert found(other("relation_extraction", "Which?", "[]"), "drug_drug_relation_extraction") == []
    assert found(other("relation_extraction", "Which?", "free words"), "extract_doping") == []


def test_registry_explains_itself() -> None:
    assert len({defect.name for defect in DEFECTS}) == len(DEFECTS)
    assert all(defect.catches and defect.published >= 0 for defect in DEFECTS)
    assert {defect.name for defect in DEFECTS if defect.check is None} == {CONFLICT, DUPLICATE}


def test_readme_lists_the_registry() -> None:
    table = [line.split("|") for line in README.read_text(encoding="utf-8").splitlines() if line.startswith("| `")]
    listed = {row[1].strip(" `"): row[3].strip() for row in table if len(row) == 5}
    for defect in DEFECTS:
        words = listed[defect.name].removeprefix("up to ").split()
        assert words == [str(defect.published), *(["groups"] if defect.unit == "groups" else [])]
