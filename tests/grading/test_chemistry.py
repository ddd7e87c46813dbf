"""SMILES: the same molecule, other molecules, and texts that are no SMILES."""

from __future__ import annotations

import random

import pytest

from openrft.grading.chemistry import canonicalize_smiles, is_formula, is_same_molecule, looks_like_smiles
from openrft.grading.grade import grade
from openrft.types import Sample

pytest.importorskip("rdkit", reason="RDKit is optional: without it SMILES are compared as they are written")


@pytest.mark.parametrize(
    ("said", "gold", "same"),
    [
        ("OCC", "CCO", True),
        ("C(O)C", "CCO", True),
        ("C1=CC=CC=C1", "c1ccccc1", True),
        ("C1CCCCC1", "c1ccccc1", False),
        ("C[C@H](N)C(=O)O", "N[C@@H](C)C(=O)O", True),
        ("N[C@H](C)C(=O)O", "N[C@@H](C)C(=O)O", False),
        ("NC(C)C(=O)O", "N[C@@H](C)C(=O)O", False),  # without its stereochemistry it is another answer
        ("F\\C=C\\F", "F/C=C/F", True),
        ("F/C=C\\F", "F/C=C/F", False),
        ("[Cl-].[Na+]", "[Na+].[Cl-]", True),
        ("[CH3:1][OH:2]", "C[OH]", True),
        ("OCC.CC>>CC", "CC.CCO>>CC", True),
        ("CC>>CCO", "CCO>>CC", False),
        ("CCC", "CCO", False),
        ("ethanol", "CCO", False),
        ("NCS", "SCN", False),
        ("OC", "CO", False),
    ],
)
def test_smiles(said, gold, same):
    assert is_same_molecule(said, gold) is same
    assert grade(Sample("q", gold, kind="text"), f"\\boxed{{{said}}}").correct is same
    assert grade(Sample("q", gold, kind="text"), f"The answer is $\\text{{{said}}}$.").correct is same


@pytest.mark.parametrize(
    "text", ["CO", "NO", "SCN", "HCN", "water", "iron", "Ca(OH)2", "C60", "(a+b)", "[0,1]", "1.5", "", "Co"]
)
def test_what_does_not_look_like_smiles(text):
    assert not looks_like_smiles(text)


@pytest.mark.parametrize("text", ["C1CC", "C(C", "CC(", "c1cccc1", "C=C=C=F=C", "[Xx]C=C", "n=1"])
def test_broken_smiles_equal_nothing_and_write_nothing(text, capfd):
    assert canonicalize_smiles(text) is None
    assert not is_same_molecule("CCO", text)
    assert not is_same_molecule(text, "CCO")
    assert capfd.readouterr() == ("", "")


MOLECULES = [
    "CCO",
    "CC(=O)Oc1ccccc1C(=O)O",
    "C[C@H](N)C(=O)O",
    "C1CCCCC1",
    "c1ccncc1",
    "F/C=C/F",
    "[Na+].[Cl-]",
    "CC#N",
]


def test_a_molecule_is_itself_in_any_order_of_its_atoms_and_no_other():
    from rdkit import Chem

    draw = random.Random(0)
    for gold in MOLECULES:
        molecule = Chem.MolFromSmiles(gold)
        for _ in range(25):
            order = list(range(molecule.GetNumAtoms()))
            draw.shuffle(order)
            said = Chem.MolToSmiles(Chem.RenumberAtoms(molecule, order), canonical=False)
            assert [is_same_molecule(said, other) for other in MOLECULES] == [other == gold for other in MOLECULES]


def test_formulas():
    assert all(map(is_formula, ["H2O", "CuSO4·5H2O", "[Fe(CN)6]4-", "NaCl", "CH3-CH2-OH"]))
    assert not any(map(is_formula, ["water", "x1", "mW", "", "12", "H2O and CO2", "Aa"]))
