"""Answers as chemists, physicists and biologists spell them: right ones are met, and near ones are not."""

from __future__ import annotations

import pytest

from openrft import Sample, grade


def is_right(kind: str, gold: str, answer: str, question: str = "q") -> bool:
    verdict = grade(Sample(question, gold, kind=kind), f"\\boxed{{{answer}}}")
    lenient = verdict.lenient or verdict
    assert verdict.correct == lenient.correct
    return bool(verdict.correct)


TEXTS = [
    ("SO4^{2-}", "[SO4]2- | [SO4]^{2-} | SO4 2- | SO₄²⁻ | SO4-2 | \\ce{SO4^{2-}}",
     "[SO3]2- | SO4^- | [SO4]2+ | SO4^{3-}"),
    ("[Fe(CN)6]^{4-}", "[Fe(CN)6]4- | Fe(CN)6^{4-} | [Fe(CN)₆]⁴⁻", "[Fe(CN)6]3- | [Fe(CN)5]4- | [Fe(CN)6]4+"),
    ("NH4+", "[NH4]+ | NH4^+ | NH4(+)", "[NH4]- | NH3 | NH4"),
    ("1s^2 2s^2 2p^6", "1s2 2s2 2p6 | 1s^22s^22p^6 | 1s²2s²2p⁶ | 1s22s22p6 | 1s2, 2s2, 2p6",
     "1s2 2s2 2p5 | 1s2 2s1 2p6"),
    ("[Ar] 3d10 4s1", "[Ar]3d^{10}4s^1 | [Ar] 4s1 3d10 | [Ar]3d104s1", "[Ar] 3d9 4s2 | [Kr] 3d10 4s1 | [Ar] 3d10 4s2"),
    ("9:3:3:1", "9 : 3 : 3 : 1 | 9 to 3 to 3 to 1 | 9-3-3-1 | a 9:3:3:1 ratio", "9:3:4 | 1:3:3:9 | 9:3:3:2"),
    ("3:1", "3 to 1 | ratio of 3:1 | the phenotypic ratio is 3:1", "1:3 | 31 | 3:2"),
    ("July 20, 1969", "20 July 1969 | 1969-07-20 | July 20th, 1969 | Jul 20, 1969 | 20.07.1969",
     "July 21, 1969 | July 1969"),
    ("1969-07-20", "the 20th of July 1969 | 7/20/1969", "1969-20-07 | 20 June 1969 | July 20, 1996"),
    ("20-30%", "20% to 30% | between 20% and 30% | 20 to 30 percent | 20–30 %", "20-35% | 30-20% | 20-30 | 25%"),
    ("3.2 ± 0.1 cm", "(3.2 ± 0.1) cm | 3.2 cm ± 0.1 cm | 3.2 +/- 0.1 cm", "3.2 ± 0.2 cm | 3.2 ± 0.1 mm | 3.1 ± 0.1 cm"),
    ("A > B > C", "A>B>C | C < B < A", "C > B > A | A > C > B | A < B < C"),
    ("5'-ATGC-3'", "5' ATGC 3' | ATGC | A-T-G-C | 3'-CGTA-5'", "3'-ATGC-5' | CGTA | 5'-ATGG-3'"),
    ("AaBb", "Aa Bb | Aa/Bb", "AABb | aabb | Aabb"),
    ("2H2 + O2 -> 2H2O", "O2 + 2H2 → 2H2O | 2H2(g) + O2(g) -> 2H2O(l) | 2H2 + O2 = 2H2O",
     "2H2O -> 2H2 + O2 | H2 + O2 -> 2H2O"),
    ("Zn -> Zn2+ + 2e-", "Zn(s) → 2e^- + Zn^{2+}", "Zn2+ + 2e- -> Zn | Zn -> Zn2+ + e-"),
    ("Escherichia coli", "E. coli", "E. faecalis | Escherichia albertii | E coli K"),
    ("carbon-14", "C-14 | ^{14}C | 14C", "C-12 | N-14 | carbon-13"),
    ("iron(III) oxide", "iron (III) oxide | iron(III)-oxide", "iron(II) oxide | iron oxide"),
    ("sp3", "sp^3 | sp3 hybridized", "sp2 | sp3d"),
]  # fmt: skip
EXPRESSIONS = [
    ("kq_1q_2/r^2", "kq1q2/r^2 | kq₁q₂/r² | k*q1*q2/r**2", "kq1q1/r^2 | kq1q2/r | q1q2/r^2"),
    ("kq1q2/r^2", "kq_1q_2/r^2", "kq_1q_3/r^2"),
    (r"v_{max}\frac{S}{K_m+S}", "vmax S/(Km+S)", "vmax Km/(Km+S) | vmax S/(Km-S)"),
    ("k_B T", "kBT", "k_B/T | kBT^2"),
    (r"\frac{m_1-m_2}{m_1+m_2} g", "g(m_1-m_2)/(m_1+m_2) | (m1-m2)g/(m1+m2)", "g(m_2-m_1)/(m_1+m_2)"),
    (r"\frac{1}{2}mv^2", "1/2 mv^2 | 1/2mv²", "mv^2 | 1/3 mv^2 | 2mv^2"),
    (r"\frac{dy}{dx}=2x", "dy/dx=2x | y'=2x | 2x", "dx/dy=2x | dy/dt=2x | y=2x | dy/dx=-2x"),
    ("2x", "dy/dx=2x | f'(x)=2x", "dy/dx=x | f'(x)=2"),
    (r"\emptyset", r"\{\} | \{ \} | ∅ | \varnothing", r"\{0\} | \{\emptyset\} | 0"),
    (r"(-\infty, 3)", r"]-\infty, 3[ | x < 3", "x <= 3 | ]3, 4["),
    ("[0, \\infty)", "[0,∞[", "]0,∞["),
    (r"\mathbb{R}", r"(-\infty, \infty) | all real numbers", "[0,∞) | Z"),
    ("(3, -1, 2)", r"3i - j + 2k | 3\hat{i}-\hat{j}+2\hat{k} | [3, -1, 2] | <3,-1,2>"
     r" | \begin{pmatrix}3\\-1\\2\end{pmatrix}",
     "3i + j + 2k | (-1,3,2) | 4"),
    (r"3\hat{i} + 4\hat{j}", r"3i+4j | (3,4) | 3î + 4ĵ | 3\hat{\imath}+4\hat{\jmath}", "4i+3j | 3i-4j | 5"),
    ("x^2 + C", "x^2 + c | C + x^2", "x^2 | 2x + C"),
    (r"(2,3] \cup [5,7)", "(2, 3] U [5, 7)", "(2,7)"),
    ("k[A]^2", "rate = k[A]^2", "rate = k[A]"),
]  # fmt: skip
CASES = [("text", *case) for case in TEXTS] + [("expression", *case) for case in EXPRESSIONS]


@pytest.mark.parametrize(("kind", "gold", "right", "wrong"), CASES, ids=[case[1] for case in CASES])
def test_spellings_are_met_and_near_answers_are_not(kind: str, gold: str, right: str, wrong: str) -> None:
    assert [answer for answer in right.split(" | ") if not is_right(kind, gold, answer)] == []
    assert [answer for answer in wrong.split(" | ") if is_right(kind, gold, answer)] == []


def test_another_scale_than_the_asked_one_is_wrong() -> None:
    for answer in ("pH = 7.4", "7.4", r"\mathrm{pH}=7.40"):
        assert is_right("number", "7.4", answer, "What is the pH?")
    assert not is_right("number", "7.4", "pOH = 7.4", "What is the pH?")
    assert is_right("number", "4.74", "pK_a = 4.74", "What is the pKa?")
    assert not is_right("number", "4.74", "pKb = 4.74", "What is the pKa?")


@pytest.mark.parametrize(
    ("completion", "letter"),
    [
        ("Richtig ist B.", "B"),
        ("Richtig ist Antwort B.", "B"),
        ("Zutreffend ist B", "B"),
        ("Correcta: B", "B"),
        ("Correcte : B", "B"),
        ("Richtig ist nicht B.", None),
        ("Nicht richtig ist B.", None),
        ("Falsch ist B.", None),
        ("Richtig ist B oder C.", None),
        ("No es la B.", None),
        ("Incorrecta: B", None),
    ],
)
def test_what_is_right_is_said_in_front(completion: str, letter: str | None) -> None:
    verdict = grade(Sample("q", "B", ("iron", "osmium", "lead"), kind="choice"), completion)
    assert (verdict.lenient or verdict).answer == letter


def test_an_equation_is_not_its_left_side() -> None:
    verdict = grade(Sample("q", "2x+1", kind="expression"), "2x+1 = 0")
    assert not (verdict.lenient or verdict).correct
