"""Chemical formulas and SMILES: when two of them are the same substance.

SMILES are compared by RDKit's canonical form where RDKit is installed, else as they are written. Their stereochemistry
counts. A text counts as SMILES only if it shows bonds, rings, branches or a chain: `CO`, `NO` and `SCN` are formulas.
"""

from __future__ import annotations

import functools
import re
from importlib.util import find_spec

_SYMBOLS = (
    "H He Li Be B C N O F Ne Na Mg Al Si P S Cl Ar K Ca Sc Ti V Cr Mn Fe Co Ni Cu Zn Ga Ge As Se Br Kr Rb Sr Y Zr Nb"
    " Mo Tc Ru Rh Pd Ag Cd In Sn Sb Te I Xe Cs Ba La Ce Pr Nd Pm Sm Eu Gd Tb Dy Ho Er Tm Yb Lu Hf Ta W Re Os Ir Pt Au"
    " Hg Tl Pb Bi Po At Rn Fr Ra Ac Th Pa U Np Pu Am Cm Bk Cf Es Fm Md No Lr Rf Db Sg Bh Hs Mt Ds Rg Cn Nh Fl Mc Lv"
    " Ts Og D"  # D is deuterium
)
ELEMENTS = frozenset(_SYMBOLS.split())
_NAMES = (  # of elements that isotopes are named of, in the order of their symbols below
    "hydrogen helium lithium beryllium boron carbon nitrogen oxygen fluorine neon sodium magnesium aluminium aluminum"
    " silicon phosphorus sulfur sulphur chlorine argon potassium calcium iron cobalt nickel copper zinc bromine krypton"
    " rubidium strontium molybdenum technetium silver tin iodine xenon caesium cesium barium gold mercury thallium lead"
    " bismuth polonium astatine radon francium radium actinium thorium protactinium uranium neptunium plutonium"
    " americium curium californium"
)
_OF_NAMES = (
    "H He Li Be B C N O F Ne Na Mg Al Al Si P S S Cl Ar K Ca Fe Co Ni Cu Zn Br Kr Rb Sr Mo Tc Ag Sn I Xe Cs Cs Ba Au Hg"
    " Tl Pb Bi Po At Rn Fr Ra Ac Th Pa U Np Pu Am Cm Cf"
)
ELEMENT_NAMES = dict(zip(_NAMES.split(), _OF_NAMES.split(), strict=True))
_PARTS = re.compile(r"[A-Z][a-z]?|[()\[\]\d·+\-.\ue000]+|.", re.DOTALL)
_SHELL = r"[1-7][spdfg]"
_CONFIGURATION = re.compile(  # [Ne] 3s^2 3p^4; a mark of the exponent may be missing
    rf"(?:\[?(He|Ne|Ar|Kr|Xe|Rn)\]?)?((?:[\s,\u00b7]*{_SHELL}\s*\^?[({{]?\d{{1,2}}[)}}]?)+)\s*"
)
_OCCUPIED = re.compile(rf"({_SHELL})\s*\^?[({{]?(\d{{1,2}}?)[)}}]?[\s,\u00b7]*(?={_SHELL}|$)")
_ION = re.compile(r"\[([A-Z][A-Za-z0-9()\u00b7]*)\](?=\ue000)")
_STATE = re.compile(r"(?<=[A-Za-z0-9)\]+\-])\s*\((?:aq|s|l|g)\)")
_BOND = re.compile(r"(?<=[A-Za-z0-9)\]])-(?=[A-Z(\[])")
_ISOTOPE = re.compile(r"(?:_\d+)?\^(\d{1,3})(?:_\d+)?([A-Z][a-z]?)(?![a-z])")
_MASS_BEFORE = re.compile(r"(?<![A-Za-z0-9^.])(\d{1,3})([A-Z][a-z]?)(?![A-Za-z0-9])")
_ATOMS = r"(?:\[[^\[\]\s]{1,24}\]|Cl|Br|[BCNOPSFIbcnops*])"
_SMILES = re.compile(rf"[/\\]?{_ATOMS}(?:{_ATOMS}|[=#$:/\\().~>-]|\d|%\d\d)*")
_STRUCTURE = re.compile(r"[=#@/\\]|\[[A-Za-z0-9@+-]+\]|CC|[CNOSPcnosp]\(|[cnops]\d")
MAX_SMILES = 600  # characters; a canonical form takes longer than linear time for some molecules


def is_formula(text: str) -> bool:
    """Whether the text, in one notation, consists of the symbols of elements, numbers, brackets and charges alone."""
    symbols = [part for part in _PARTS.findall(text) if part[0].isalpha() or part.isspace()]
    return bool(symbols) and all(part in ELEMENTS for part in symbols)


def write_configuration(text: str) -> str:
    """An electron configuration with a space between its shells, in one order; any other text unchanged."""
    found = _CONFIGURATION.fullmatch(text) if len(text) <= MAX_SMILES else None
    if found is None:
        return text
    shells = sorted(f"{shell}{count}" for shell, count in _OCCUPIED.findall(found[2]))
    return " ".join([f"[{found[1]}]", *shells] if found[1] else shells)


def drop_ion_brackets(text: str) -> str:
    """The text without square brackets around an ion: [SO4]2- is SO4 2-. Its charge is marked (notation.py)."""
    return _ION.sub(r"\1", text)


def drop_states(text: str) -> str:
    """The text without the states of matter behind formulas: H2O(l) is H2O."""
    return _STATE.sub("", text)


def drop_bonds(text: str) -> str:
    """The formula without the dashes between its groups: CH3-CH2-OH is CH3CH2OH."""
    return _BOND.sub("", text)


def has_isotope(text: str) -> bool:
    """Whether a symbol has a mass number in front."""
    return _ISOTOPE.search(text) is not None


def write_isotopes(text: str) -> str:
    """The text with isotopes as C-14, however they were written. Atomic numbers are left out."""
    return _MASS_BEFORE.sub(r"\2-\1", _ISOTOPE.sub(r"\2-\1", text))


def looks_like_smiles(text: str) -> bool:
    """Whether the text is written as SMILES and shows structure, so that it is no plain formula and no word."""
    return len(text) <= MAX_SMILES and bool(_SMILES.fullmatch(text)) and bool(_STRUCTURE.search(text))


def is_same_molecule(said: str, gold: str, is_smiles: bool = False) -> bool:
    """Whether both are SMILES of the same molecule or reaction. False where RDKit is not installed.

    `is_smiles`: whether the gold answer is known to be SMILES, so that `CO` is methanol.
    """
    if len(said) > min(2 * len(gold) + 40, MAX_SMILES) or not (is_smiles or looks_like_smiles(gold)):
        return False
    if not (_SMILES.fullmatch(said) and _SMILES.fullmatch(gold) and len(gold) <= MAX_SMILES and has_rdkit()):
        return False
    wanted = canonicalize_smiles(gold)
    return wanted is not None and canonicalize_smiles(said) == wanted


@functools.cache
def has_rdkit() -> bool:
    """Whether RDKit is installed."""
    return find_spec("rdkit") is not None


@functools.lru_cache(maxsize=4096)
def canonicalize_smiles(text: str) -> str | None:
    """RDKit's canonical SMILES of a molecule, or of each side of a reaction; None if RDKit cannot read it."""
    from rdkit import Chem, rdBase

    sides = []
    with rdBase.BlockLogs():  # it writes to standard error about every text that is no molecule
        for side in text.split(">"):
            molecule = Chem.MolFromSmiles(side)
            if molecule is None:
                return None
            for atom in molecule.GetAtoms():
                atom.SetAtomMapNum(0)
            sides.append(Chem.MolToSmiles(molecule))
    return ">".join(sides)
