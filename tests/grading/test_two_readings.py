"""Strict and lenient: which forms of an answer each reading takes, and which answers are none in either."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from openrft.grading.grade import Grade, grade
from openrft.types import Sample

METALS = Sample("Which metal is densest?", "B", ("iron", "osmium", "lead", "gold"))
CASES = [path for parent in Path(__file__).parents if (path := parent / "shared" / "cases" / "answers.jsonl").exists()]


def read(sample, completion):
    """The answers of the strict and of the lenient reading."""
    verdict = grade(sample, completion)
    return verdict.answer, (verdict.lenient or verdict).answer


@pytest.mark.parametrize(
    "completion",
    [
        "\\boxed{B}", "so\n\\boxed{(B)}", "\\boxed{\\text{B}}", "\\boxed{\\textbf{(B)}}", "\\boxed{\\textsf{B}}",
        "\\boxed{\\operatorname{B}}", "\\boxed{\\bf B}", "\\boxed{{\\bf B}}", "\\boxed{\\underline{B}}",
        "\\boxed{\\color{red}{B}}", "\\boxed{\\color{red} B}", "\\boxed{B\\ }", "\\boxed{[B]}", "\\boxed{（B）}",
        "\\boxed{Ｂ}", "\\boxed{\\text{(B) osmium}}", "\\boxed{B) osmium}", "\\boxed{B: osmium}",
        "\\boxed{B - osmium}",
        "\\boxed{osmium}", "\\boxed{Osmium.}", "\\boxed{osmium (B)}", "\\boxed{\\mathbf{B}}", "$\\boxed{B}$",
        "\\[\\boxed{B}\\]", "\\boxed{ B }", "\\boxed{\n B\n}", "\\boxed{b}", "\\boxed{B.}", "\\boxed{\\mathrm{B.}}",
        "\\boxed{Option B}", "\\boxed{Answer: B}", "\\boxed{the answer is B}", "\\boxed{\"B\"}", "\\boxed{`B`}",
        "\\boxed{**B**}", "\\boxed{$B$}", "\\boxed{\\(B\\)}", "\\boxed{B, because A is iron}", "\\boxed{B, not A}",
        "\\boxed{B. osmium, not lead}", "\\boxed{A}. Hmm, \\boxed{B}", "\\boxed{\\Large B}", "\\boxed{B!}",
        "The answer is B.", "The answer is B", "the answer is: B", "Answer: B", "ANSWER: B", "**Answer:** B",
        "**Answer: B**", "The answer is **B**.", "The correct answer is B) osmium.", "Final answer: (B)",
        "The answer is option B.", "The final answer is $\\text{B}$.", "The answer is osmium.", "Answer: osmium",
        "The answer is osmium, which is densest.", "The answer is B, osmium.", "### Answer: B",
        "The answer is \"B\".",
        "The answer is B. Note that A is a common distractor.",
        "The answer is B. Options A and C are lighter.",
        "The answer is B. Gold would be right if it were about value, but it is not.",
        "The answer is C. No wait.\nThe answer is B.",
        "The answer is B.\n\nThis answer is supported by the table of densities.",
        "The answer is B.\n\nThis answer is correct because osmium is heavy.",
        "Answer: B\nWhy the answer is not C: lead is lighter.",
        "Answer: B\nWhy isn't the answer C? It is lighter.",
        "Answer: B\n\nAn answer is only as good as its source.",
        "Answer: B\nIf the answer is A, the density would be 7.9.",
        "Answer: B. A common mistake is iron.",
        "Answer: B. Lead is dense, but not as dense as osmium.",
        "Answer: B. It is denser than lead.",
        "Answer: B rather than D.",
        "Answer: B\nIt is heavier than C.",
        "\\boxed{B}\nNote that option A is wrong.", "\\boxed{B}. Saying that B is light is wrong.",
        "The answer is B. Note that A is a common distractor. It might be tempting.",
        "The answer is B. Both iron and lead are lighter.",
        "The answer is B. Iron, lead and gold are all less dense.",
        "The answer is B. You might think C, but lead is lighter.",
        "The answer is B. While A may seem plausible, it is lighter.", "The answer is B (not C).",
        "The answer is B; A is wrong",
        "Answer: B. Explanation: A - too light, C - too soft, D - no.", "The answer is B. (A) is iron, (C) is lead.",
        "The answer is B. Why not A? Because it is lighter.", "My first thought was A, but the answer is B.",
        "The answer is B, but A is close.", "\\boxed{ⓑ}", "\\boxed{𝐁}", "\\boxed{~B~}", "\\boxed{\\{B\\}}",
        "\\boxed{「B」}",
        "The answer is:\n\nB", "Answer: B (osmium)", "ANSWER: $B", "\\boxed{B} is the answer, not C",
        "\\boxed{<b>B</b>}",
        "\\boxed{B}. Wait, let me check that again. Yes, B is correct.",
        "Answer:\nB", "Answer:\n\n**B**",
    ],
)  # fmt: skip
def test_a_final_answer_in_the_asked_form_is_strict(completion):
    assert read(METALS, completion) == ("B", "B")
    assert grade(METALS, completion).lenient is None


@pytest.mark.parametrize(
    "completion",
    [
        "B", "b", "(B)", "[B]", "B.", "B)", "**B**", "`B`", "\"B\"", "B) osmium", "B. osmium", "B: osmium",
        "(B) osmium",
        "B osmium", "B - osmium", "**B) osmium**", "option B", "Option B.", "Option B: osmium", "osmium", "Osmium.",
        "It is B.", "It's B", "It is osmium.", "Osmium is the densest.", "The densest metal is osmium.",
        "Therefore, B is correct.", "Thus B.", "So it must be B.", "Hence, the correct option is B.", "So B it is: B",
        "Therefore, osmium is the densest.", "Therefore the densest of these is osmium.", "B is correct.",
        "B is right",
        "B is the correct answer.", "Option B is the best choice", "B is the right option because it is heavy.",
        "I choose B", "I choose option B.", "I would pick B.", "I'd go with (B).", "I'll go with B",
        "My choice is B.",
        "I think it's B.", "I think B is correct.", "I believe the correct choice is B.", "I select osmium.",
        "The correct option is B.", "The correct choice: B", "The best option would be B", "Correct option: **B**",
        "<answer>B</answer>", "<answer> (B) osmium </answer>", "<answer>\nB\n</answer>", "<ANSWER>B</ANSWER>",
        "<final_answer>B</final_answer>",
        "<answer><choice>B</choice></answer>",
        "<answer>B", "<answer>osmium</answer>", "#### B", "reasons\n#### osmium",
        "####B", "\\fbox{B}", "\\framebox{B}", "$\\fbox{\\text{B}}$", "boxed{B}", "\\boxed B", "\\framebox[2cm]{B}",
        '{"answer": "B"}', '{"answer":"B"}', "{'answer': 'B'}", '```json\n{"answer": "B"}\n```',
        '{"final_answer": "B"}',
        '{"reasoning": "heavy", "answer": "osmium"}', '{"answer": "B", "confidence": 0.9}', '{"choice": "B"}',
        '{\n  "explanation": "Not A, not C.",\n  "answer": "B) osmium"\n}', '{"answer": ["B"]}',
        "Final Answer\nB", "**Final Answer**\n\nB", "## Final Answer\n\n**B**", "### Answer\nB) osmium",
        "Final Answer\n\n(B) osmium", "**Answer**\nB", "Final answer B", "Answer B", "Answer - B", "Answer = B",
        "The answer would be B.", "The answer must be osmium.", "The answer should be (B)", "answer -> B", "Ans: B",
        "B\n\nOsmium has the highest density.", "B) osmium\n\nIt is denser than lead.",
        "Iron and lead are lighter.\nB", "Iron and lead are lighter.\n\n**B**", "Gold has 19.3.\nSo, B.",
        "The answer is not A, it is B.", "It is not A but B.", "Not A, but B.",
        "A is wrong. C is wrong. D is wrong. So B is correct.", "A looks right at first. But B is correct.",
        "Compare the densities.\n\nTherefore, the correct option is (B) osmium.", "B is correct; A and C are not.",
        "I choose C. Wait, I was wrong. I choose B.", "[[B]]", "\\text{B}", "$B$", "→ B", "=> B", "∴ B",
        "Let us see: osmium has 22.6. So the densest is osmium.", "Final Answer: \n\n B",
    ],
)  # fmt: skip
def test_what_a_careful_person_takes_for_the_answer(completion):
    strict, lenient = read(METALS, completion)
    assert lenient == "B"
    assert strict in (None, "B")


@pytest.mark.parametrize(
    "completion",
    [
        "答案是B", "答案：B", "答案:B。", "答案为B", "正确答案是 B。", "正确答案：（B）", "选B", "选择B",
        "应选B", "故选B。",
        "本题选B。", "所以答案是B。", "因此，答案选B", "我选择B", "答案B", "B是正确的。", "选项B正确",
        "答えはBです。", "答えはB",
        "答え：B", "正解はBです", "正解：B", "정답은 B입니다.", "정답: B", "답은 B", "답: B", "정답은 (B)입니다",
        "Die Antwort ist B.", "Die richtige Antwort ist B.", "Antwort: B", "Die Antwort lautet B", "B ist richtig.",
        "Die korrekte Antwort ist: **B**", "La réponse est B.", "Réponse : B", "La bonne réponse est B.",
        "La réponse correcte est la B.", "La respuesta es B.", "La respuesta correcta es B", "Respuesta: B",
        "La respuesta correcta es la opción B.", "A resposta é B.", "Resposta: B", "A resposta correta é a letra B.",
        "La risposta è B.", "Risposta: B", "La risposta corretta è la B.", "Ответ: B", "Правильный ответ: B.",
        "Ответ B", "Правильный ответ — B", "الإجابة: B", "الإجابة هي B", "الإجابة الصحيحة هي B", "उत्तर: B",
        "सही उत्तर B है",
        "उत्तर B", "Cevap: B", "Cevap B", "Doğru cevap B'dir.", "Doğru cevap: B", "Odpowiedź: B",
        "Prawidłowa odpowiedź to B.", "Antwoord: B", "Het antwoord is B.", "Het juiste antwoord is B", "Svar: B",
        "Jawaban: B", "Đáp án: B", "Đáp án là B", "Jawaban yang benar adalah B", "**答案**\nB",
        "Daher ist B richtig.",
    ],
)  # fmt: skip
def test_the_languages_that_people_ask_in(completion):
    strict, lenient = read(METALS, completion)
    assert lenient == "B"
    assert strict in (None, "B")


@pytest.mark.parametrize(
    "completion",
    [
        "\\fbox{B}", "B", "(B)", "B) osmium", "Therefore, B is correct.", "osmium", "**B**", "I choose B", "答案是B",
        "<answer>B</answer>", "#### B", '{"answer": "B"}', "Final Answer\nB", "The correct option is B.",
        "Antwort: B",
        "Ответ: B", "[B]", "option B", "### Final Answer\nB",
    ],
)  # fmt: skip
def test_other_forms_are_not_strict(completion):
    assert read(METALS, completion) == (None, "B")


@pytest.mark.parametrize(
    "answer",
    [
        "B and C", "B or C", "A or B", "B, C", "B/C", "B & C", "not B", "neither B nor C", "B or maybe C", "B?",
        "B and not B",
        "none of these", "None of the above", "both B and C", "either B or C", "B, or perhaps C",
        "B. It could also be lead",
        "B. Both iron and lead", "B. C is also correct", "B (or C)", "B, C and D", "A, B, C, D",
        "iron or osmium", "osmium and lead", "B iron", "B. iron", "B) lead", "E", "Z", "unknown",
        "B. Actually, it is C or D",
        "all of them", "B is wrong", "B is not correct", "B, isn't it?", "B, maybe C", "B; C", "B+C", "B versus C?",
        "B. Or C.", "B. Lead could be right, too.", "B. Alternatively, C.", "B. It might also be C.", "B but also C",
    ],
)  # fmt: skip
@pytest.mark.parametrize("form", ["\\boxed{%s}", "The answer is %s", "%s", "<answer>%s</answer>", "Therefore, %s"])
def test_hedged_and_retracted_answers_are_none_in_either_reading(answer, form):
    assert read(METALS, form % answer) == (None, None)


@pytest.mark.parametrize("answer", ["B. Wait, C", "B. No, C", "B... no, it's C", "B. Hmm, actually C.", "B. I mean C"])
@pytest.mark.parametrize("form", ["\\boxed{%s}", "The answer is %s", "%s", "<answer>%s</answer>", "Therefore, %s"])
def test_what_was_taken_back_is_not_the_answer(answer, form):
    assert read(METALS, form % answer)[0] is None
    assert read(METALS, form % answer)[1] in (None, "C")


@pytest.mark.parametrize(
    "completion",
    [
        "", " ", "I do not know.", "A mess.", "A common metal.", "I like metals.", "Vitamin C is good.", "What is B?",
        "Is it B?", "A) iron\nB) osmium\nC) lead\nD) gold", "A. iron\nB. osmium", "Iron is light. Lead is soft.",
        "\\boxed{B} or \\boxed{C}", "\\boxed{B}, \\boxed{C}", "\\boxed{B} and \\boxed{C}", "\\boxed{B} or maybe C",
        "B is correct. B is wrong.", "B is correct.\n\nB is wrong.", "Therefore, B is correct. But B is wrong.",
        "B is wrong. B is correct.", "\\boxed{B}. B is wrong.", "The answer is B. However, osmium is not correct.",
        "Osmium has 76 protons.", "We compare B with C.", "There are four options.", "<think>The answer is B",
        "<think>\\boxed{B}", "<think>B", "<think>a</think><think>B", '{"answer": ["B", "C"]}', '{"answer": null}',
        "A, C and D are wrong.", "A: B", "Step 1: A\nStep 2: B", "All options except B are wrong.",
        "The answer is not A.",
        "Let us look at B", "B and C are both correct.", "The answer is either B or C.", "The answer is unclear.",
        "The answer is B.\nWait, that is wrong.", "\\boxed{B}\nScratch that.", "\\boxed{}", "\\boxed{?}",
        "I choose B. It could also be C.", "Osmium and lead are correct.", "#### B or C", "#### Reasoning",
    ],
)  # fmt: skip
def test_no_answer(completion):
    assert read(METALS, completion) == (None, None)


@pytest.mark.parametrize(
    ("completion", "lenient"),
    [
        ("The answer is C. Wait, it is B.", "B"),
        ("Answer: C\nActually, the answer should be B.", "B"),
        ("\\boxed{C}\nWait, that's wrong. It is B.", "B"),
        ("\\boxed{C}\nWait, no. \\boxed{B}", "B"),
        ("I choose C. No, wait, it's B.", "B"),
        ("\\boxed{C}\nI made a mistake.\n\\boxed{B}", "B"),
    ],
)
def test_the_answer_that_replaces_another_counts(completion, lenient):
    strict, found = read(METALS, completion)
    assert found == lenient
    assert strict in (None, lenient)


@pytest.mark.parametrize(
    ("options", "answer", "said", "right"),
    [
        (("1.5", "2.5", "15"), "A", "1.50", True),
        (("1.5 g", "2.5 g"), "A", "1.5", True),
        (("CO$_2$", "CO", "C"), "A", "CO2", True),
        (("CO$_2$", "CO", "C"), "A", "CO₂", True),
        (("CO", "Co"), "B", "Co", True),
        (("CO", "Co"), "B", "CO", False),
        (("CO", "Co"), "B", "co", False),
        (("C1CCCCC1", "c1ccccc1"), "B", "c1ccccc1", True),
        (("C1CCCCC1", "c1ccccc1"), "B", "C1CCCCC1", False),
        (("Red Fox", "wolf"), "A", "red fox", True),
        (("the cell", "the nucleus"), "B", "nucleus", True),
        (("1/2", "1/3"), "A", "0.5", True),
        (("10^3", "10^4"), "A", "1000", True),
        (("a gas", "a solid"), "A", "A", True),
        (("A gas", "B gas"), "B", "A gas", False),
        (("-0.2", "0.2"), "B", "0.2", True),
        (("-0.2", "0.2"), "B", "-0.2", False),
        (("1/2", "1/3"), "A", r"\frac{1}{2}", True),
        (("1/2", "1/3"), "A", r"\frac{1}{3}", False),
        (("\u221a2", "\u221a3"), "B", r"\sqrt{3}", True),
        (("3 \u00d7 10^8", "3 \u00d7 10^7"), "A", r"3\times10^{8}", True),
        (("3e8", "3e7"), "A", r"3\times10^{7}", False),
        (("2\u03c0/3", "\u03c0/3"), "A", r"\frac{2\pi}{3}", True),
        (("H$_2$O", "H$_2$O$_2$"), "A", "H2O", True),
        (("H$_2$O", "H$_2$O$_2$"), "A", "H2O2", False),
    ],
)
def test_an_option_by_its_content(options, answer, said, right):
    assert grade(Sample("q", answer, options), f"\\boxed{{{said}}}").correct is right


def test_reasons_say_what_was_read():
    def reason(completion):
        return grade(METALS, completion).reason

    assert reason("hm") == "no answer in the asked form"
    assert reason("\\boxed{B and C}") == "names two options: B and C"
    assert reason("\\boxed{C}") == "reads C; the right answer is B"
    assert reason("\\boxed{B}") == "reads B"
    assert reason("<think>\\boxed{B}") == "cut off inside its thought"
    assert "taken back" in reason("\\boxed{B}\nScratch that.")
    assert reason("\\boxed{E}") == "E is none of the options"
    lenient = grade(METALS, "C) lead").lenient
    assert lenient is not None
    assert lenient.reason == "reads C; the right answer is B"


def test_an_option_that_is_accepted_is_right():
    sample = Sample("Which two?", "B", ("iron", "osmium", "lead"), accepted=("C",))
    assert grade(sample, "\\boxed{C}").correct
    assert not grade(sample, "\\boxed{A}").correct


@pytest.mark.skipif(not CASES, reason="the cases lie beside a checkout for development only")
def test_the_cases_that_people_met():
    for line in CASES[0].read_text(encoding="utf-8").splitlines():
        row = json.loads(line)
        sample = Sample(row["question"], row["answer"], tuple(row["options"]), row["kind"])
        verdict = grade(sample, row["completion"])
        lenient = verdict.lenient or verdict
        assert row["strict"] in (None, verdict.correct), (row, verdict)
        assert row["lenient"] in (None, lenient.correct), (row, lenient)


def test_grades_are_compared_without_their_reasons():
    assert Grade("B", True, reason="reads B") == Grade("B", True)
