"""When two texts are the same answer, and when they are not."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from openrft.grading.grade import grade
from openrft.grading.text import is_same_text, read_text
from openrft.types import Sample

SAME = {
    "water": ["the water", "a water", "Water", "WATER", " water. ", "water!", "**water**", "'water'", '"water"',
    "It is water",
              "\\text{water}", "`water`", "_water_", "<b>water</b>", "\u201cwater\u201d", "water\u200b"],
    "speed of light": ["the speed of light", "speed of the light", "Speed  of\nlight", "SPEED OF LIGHT"],
    "X-ray": ["x-ray", "X ray", "X\u2011ray", "Xray", "x-rays"[:-1]],
    "non-polar": ["nonpolar", "non polar", "non\u2013polar", "Non-polar"],
    "Schr\u00f6dinger": ["Schro\u0308dinger", 'Schr\\"odinger', "Schrodinger", "schr\u00f6dinger"],
    "Newton's second law": ["Newton\u2019s second law", "newton's second law"],
    "\u03b1-helix": ["alpha-helix", "alpha helix", "\\alpha-helix", "$\\alpha$-helix", "Alpha helix"],
    "DNA": ["dna"],
    "O(n log n)": ["O(n\\log n)", "$O(n \\log n)$", "\\mathcal{O}(n\\log n)"],
    "x sin x": ["x\\sin x"],
    "E. coli": ["e. coli", "*E. coli*"],
    "type II": ["Type II", "type ii"],
    "vitamin B12": ["Vitamin B12", "vitamin B_{12}", "vitamin B\u2081\u2082", "vitamin B 12"],
    "10,000 years": ["10000 years", "10{,}000 years", "10\\,000 years"],
    "5 cm": ["5cm", "5~\\mathrm{cm}", "5\\,\\text{cm}", "\\SI{5}{cm}"],
    "50\\%": ["50", "50%", "50 percent", "50 per cent", "$50\\%$"],
    "\\$5": ["5", "$5", "\\$5", "$\\$5$"],
    "CO": ["$CO$", "\\mathrm{CO}", "\\ce{CO}", "\uff23\uff2f"],
    "H2O": ["H_2O", "H_{2}O", "H\u2082O", "\\ce{H2O}", "\\mathrm{H_2O}", "$\\mathrm{H}_2\\mathrm{O}$",
    "H<sub>2</sub>O", "H2O(l)"],
    "Ca^{2+}": ["Ca2+", "Ca\u00b2\u207a", "Ca^2+", "\\ce{Ca^2+}", "Ca++", "Ca^{+2}", "Ca+2", "Ca(2+)",
    "\\mathrm{Ca}^{2+}"],
    "SO4^2-": ["SO42-", "SO\u2084\u00b2\u207b", "SO_4^{2-}", "\\mathrm{SO_4^{2-}}", "SO4 2-"],
    "NH4+": ["NH_4^+", "NH\u2084\u207a", "\\ce{NH4+}"],
    "CuSO4\u00b75H2O": ["CuSO_4 \\cdot 5 H_2O", "CuSO4*5H2O", "CuSO4.5H2O", "\\ce{CuSO4.5H2O}", "CuSO4 x 5H2O",
                        "CuSO\u2084\u22c55H\u2082O"],
    "CH3CH2OH": ["CH3-CH2-OH", "CH_3CH_2OH"],
    "^{14}C": ["\u00b9\u2074C", "C-14", "^{14}_6C", "14C"],
    "2H2 + O2 -> 2H2O": ["2 H_2 + O_2 \\rightarrow 2 H_2O", "2H\u2082 + O\u2082 \u2192 2H\u2082O", "2H2+O2-->2H2O"],
    "\\frac{1}{2}": ["\\dfrac{1}{2}", "\\tfrac12", "\\frac12", "1/2", "\u00bd", "$\\frac{1}{2}$"],
    "\\frac{\\sqrt{3}}{2}": ["\\dfrac{\\sqrt3}{2}", "\u221a3/2", "\\frac {\\sqrt{3}} {2}"],
    "1\\frac{1}{2}": ["1 1/2", "1\u00bd", "1 \\frac12"],
    "-\\frac{1}{2}": ["\\frac{-1}{2}", "-1/2", "-0.5", "\u2212\u00bd"],
    "2\\sqrt{3}": ["2 \\sqrt 3", "2\u221a3", "2*sqrt(3)", "2 \\cdot \\sqrt{3}", "2sqrt(3)"],
    "\\Delta G": ["\u0394G", "$\\Delta G$", "\\Delta\\, G"],
    "x \\in [2, 5]": ["x\u2208[2,5]"],
    "[2, 5]": ["x \\in [2,5]", "\\left[2, 5\\right]"],
    "\\begin{pmatrix} 1 \\\\ 2 \\end{pmatrix}": ["\\begin{pmatrix}1\\\\2\\end{pmatrix}"],
    "10:45 a.m.": ["10:45 am", "10:45 \\text{ a.m.}", "10:45 AM"],
    "5 mg/mL": ["5 mg/ml", "5mg/mL"],
    "\u03b2-carotene": ["Beta-carotene", "beta carotene"],
    "sp3": ["sp^3", "sp\u00b3", "$sp^{3}$"],
    "1s^2 2s^2 2p^6": ["1s2 2s2 2p6", "1s\u00b2 2s\u00b2 2p\u2076"],
    "\u03b2\u207b": ["\\beta^-", "$\\beta^{-}$"],
    "P53": ["*P53*", "_P53_"],
    "\\text{(C)}": ["C", "(C)"],
    "x_1": ["x_{1}", "x\u2081", "x1"],
    "K_{sp}": ["K_sp", "K_\\text{sp}", "K_{\\mathrm{sp}}"],
    "x^2 + 1": ["x^{2}+1", "x\u00b2 + 1", "x**2 + 1"],
    "10^{-3}": ["10^-3", "10\u207b\u00b3"],
    "3 \\times 10^5": ["3 x 10^5", "3\u00b710^5", "3*10^{5}"],
    "0.5": [".5", "0.5.", "0.50", "\\frac{1}{2}"],
    "90^\\circ": ["90", "90\u00b0", "90^{\\circ}", "90 degrees", "90\\degree"],
    "(-\\infty, 3]": ["\\left(-\\infty,3\\right]", "(-\u221e, 3]"],
    "x = 4": ["x=4", "x \\,=\\, 4"],
    "4": ["x = 4", "f(x)=4"],
    "2\\pi r": ["2\u03c0r", "2 \\pi r", "2 pi r"],
    "\\{1, 2\\}": ["\\{1,2\\}", "\\left\\{ 1, 2 \\right\\}"],
}  # fmt: skip
DIFFERENT = {
    "water": ["heavy water", "water vapor", "not water", "water or ice", "wate", "", "ice", "water and ice",
    "waters"],
    "CO": ["Co", "co", "OC", "CO2", "C"],
    "Co": ["CO", "co"],
    "mW": ["MW", "mw", "Mw"],
    "nm": ["NM", "Nm", "mn"],
    "kg": ["KG", "mg"],
    "pH": ["PH", "Ph", "ph"],
    "NO": ["No", "no"],
    "Aa": ["aa", "AA", "aA"],
    "aabb": ["AABB", "AaBb", "aaBb"],
    "BRCA1": ["Brca1", "BRCA2"],
    "a": ["A", "the", ""],
    "H2O": ["H2O2", "HO2", "D2O", "h2o2", "H^2O"],
    "Ca^{2+}": ["Ca^+", "Ca", "Ca^{2-}", "Ca^{3+}", "Ca_2^+"],
    "O^{2-}": ["O_2^-", "O^-"],
    "CuSO4\u00b75H2O": ["CuSO4", "CuSO4\u00b7H2O", "5CuSO4\u00b7H2O"],
    "SCN": ["NCS"],
    "x^{23}": ["x^2 3", "x_{23}", "x23", "x^{2}3"],
    "2^3": ["23", "2_3"],
    "m^{-2}": ["m^2", "m2", "m-2"],
    "10^{-3}": ["10^{3}", "10-3"],
    "(1,200)": ["(1200)", "1200", "[1,200)"],
    "11/2": ["1 1/2", "1\\frac12"],
    "50": ["50%", "5"],
    "L": ["l"],
    "12": ["1 2", "1,2", "1.2"],
    "1/2": ["1/3", "2/1", "12"],
    "\\frac{1}{2}": ["\\frac{2}{1}", "\\frac{1}{22}"],
    "-5": ["5", "+5"],
    "5!": ["5"],
    "x-y": ["xy", "x y"],
    "\u0394": ["\u03b4"],
    "vitamin A deficiency": ["vitamin deficiency", "vitamin B deficiency"],
    "therapist": ["the rapist"],
    "T_1": ["T_2", "t_1"],
    "Schr\u00f6dinger": ["Schr\u00e4dinger"],
}  # fmt: skip


@pytest.mark.parametrize(("gold", "said"), [(gold, said) for gold, spellings in SAME.items() for said in spellings])
def test_another_spelling_is_the_same_answer(gold, said):
    assert is_same_text(said, gold)


@pytest.mark.parametrize(("gold", "said"), [(gold, said) for gold, others in DIFFERENT.items() for said in others])
def test_another_answer_is_not(gold, said):
    assert not is_same_text(said, gold)


def test_no_gold_answer_here_equals_another():
    golds = list(dict.fromkeys([*SAME, *DIFFERENT]))
    for other in (
        "x = 4",
        "1/2",
        "0.5",
        "x \\in [2, 5]",
        "50",
    ):  # are 4, \\frac{1}{2}, [2, 5] and, where asked for, 50%
        golds.remove(other)
    assert [(a, b) for a in golds for b in golds if a != b and is_same_text(a, b)] == []


@pytest.mark.parametrize(
    ("said", "read"),
    [
        ("water because it is polar", "water"),
        ("water, because ice and steam are other states", "water"),
        ("water. It is polar.", "water"),
        ("water (H2O)", "water"),
        ("water \u2014 the universal solvent", "water"),
        ("water, which is polar", "water"),
        ("water. It could also be ice.", None),
        ("water. Or ice.", None),
        ("water. No, ice.", None),
        ("water (or ice)", None),
        ("water or ice", None),
        ("water, ice", None),
        ("water ice", None),
        ("It is not water", None),
    ],
)
def test_an_explanation_is_no_part_of_the_answer_and_a_second_answer_is(said, read):
    sample = Sample("q", "water", kind="text")
    assert read_text(sample, said) == (read or said)
    assert grade(sample, f"\\boxed{{{said}}}").correct is (read is not None)


def test_a_gold_answer_with_sentences_is_compared_as_a_whole():
    sample = Sample("q", "It melts. Then it boils.", kind="text")
    assert grade(sample, "\\boxed{It melts. Then it boils.}").correct
    assert not grade(sample, "\\boxed{It melts.}").correct


def test_any_accepted_answer_is_right():
    sample = Sample("q", "ethanol", kind="text", accepted=("ethyl alcohol", "CCO"))
    for said in ("Ethanol", "ethyl alcohol", "\\mathrm{CCO}", "ethyl alcohol (a solvent)"):
        assert grade(sample, f"\\boxed{{{said}}}").correct
    assert not grade(sample, "\\boxed{methanol}").correct


@pytest.mark.parametrize(
    ("kind", "answer", "accepted", "others"),
    [
        ("number", "5", "7 cm", ["6", "5 or 7"]),
        ("expression", "2x", "x^2", ["x", "3x"]),
        ("text", "ice", "H2O", ["HO"]),
    ],
)
def test_any_accepted_answer_of_any_kind_is_right(kind, answer, accepted, others):
    sample = Sample("q", answer, kind=kind, accepted=(accepted,))
    assert [grade(sample, f"\\boxed{{{said}}}").correct for said in (answer, accepted)] == [True, True]
    assert not any(grade(sample, f"\\boxed{{{said}}}").correct for said in others)


WORDS = st.lists(
    st.sampled_from(["iron", "Carbon", "acid", "rate", "cell", "of", "in", "DNA", "wave"]), min_size=1, max_size=4
)
DRESSES = st.sampled_from(
    ["{}", "**{}**", "\\text{{{}}}", "$\\mathrm{{{}}}$", '"{}"', "{}.", " {} ", "{{\\bf {}}}", "`{}`",
    "\\textcolor{{red}}{{{}}}",
     "\u201c{}\u201d", "\\[{}\\]", "answer: {}", "<i>{}</i>", "\\ {}\\,"]
)  # fmt: skip


@given(WORDS.map(" ".join), DRESSES, DRESSES)
def test_an_answer_in_any_dress_is_itself(gold, inner, outer):
    assert is_same_text(outer.format(inner.format(gold)), gold)


@given(WORDS, WORDS, DRESSES)
def test_other_words_are_another_answer_in_any_dress(gold, said, dress):
    assert is_same_text(dress.format(" ".join(said)), " ".join(gold)) is (
        [word.lower() for word in said] == [word.lower() for word in gold]
    )


ELEMENTS = st.sampled_from(["H", "C", "O", "Na", "Cl", "Fe", "Ca", "S", "Co", "N"])
FORMULAS = st.lists(st.tuples(ELEMENTS, st.integers(1, 12)), min_size=1, max_size=4)
CHARGES = st.sampled_from(["", "+", "-", "2+", "3-"])
SUBSCRIPTS = str.maketrans("0123456789", "\u2080\u2081\u2082\u2083\u2084\u2085\u2086\u2087\u2088\u2089")
SUPERSCRIPTS = str.maketrans("0123456789+-", "\u2070\u00b9\u00b2\u00b3\u2074\u2075\u2076\u2077\u2078\u2079\u207a\u207b")


def write_formula(parts, charge, style):
    """The formula as people write it."""
    counts = [(symbol, "" if count == 1 else str(count)) for symbol, count in parts]
    if style == "unicode":
        return "".join(symbol + count.translate(SUBSCRIPTS) for symbol, count in counts) + charge.translate(
            SUPERSCRIPTS
        )
    if style == "latex":
        inside = "".join(symbol + (count and f"_{{{count}}}") for symbol, count in counts)
        return f"$\\mathrm{{{inside}{charge and f'^{{{charge}}}'}}}$"
    if style == "mhchem":
        return f"\\ce{{{''.join(symbol + count for symbol, count in counts)}{charge and '^' + charge}}}"
    return "".join(symbol + count for symbol, count in counts) + (charge and f"^{{{charge}}}")


STYLES = st.sampled_from(["unicode", "latex", "mhchem", "plain"])


@given(FORMULAS, CHARGES, STYLES, STYLES)
def test_a_formula_in_any_style_is_itself(parts, charge, one, other):
    assert is_same_text(write_formula(parts, charge, one), write_formula(parts, charge, other))


@given(FORMULAS, CHARGES, FORMULAS, CHARGES, STYLES, STYLES)
def test_another_formula_is_another_answer_in_any_style(parts, charge, others, their_charge, one, other):
    plain = [write_formula(*which, "plain") for which in ((parts, charge), (others, their_charge))]
    said, gold = write_formula(parts, charge, one), write_formula(others, their_charge, other)
    assert is_same_text(said, gold) is (plain[0] == plain[1])


@given(st.text(max_size=60), st.text(max_size=60))
def test_any_two_texts_can_be_compared(said, gold):
    assert is_same_text(said, gold) in (True, False)


@given(st.text(min_size=1, max_size=60))
def test_what_equals_is_not_empty(text):
    assert is_same_text(text, "") is False
