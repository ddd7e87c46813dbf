"""What columns may be called, in the files that people have. Knows nothing of what columns hold."""

from __future__ import annotations

import re
import unicodedata

from openrft import LETTERS

COLUMNS = {  # what a column may be called; `tasks show` lists the columns that are not read
    "question": ("question", "problem"),
    "options": ("options", "choices"),
    "answer": ("answer", "answer_key", "correct_answer", "gold"),
    "kind": ("kind", "type"),
    "split": ("split",),
    "topic": ("topic", "subject", "category"),
    "group": ("group",),
    "passage": ("context", "passage", "support", "article", "paragraph"),
    "accepted": (
        *("accepted", "accepted_answer", "accepted_answers", "acceptable_answer", "acceptable_answers", "also_accept"),
        *("aliases", "answer_aliases"),
    ),
    "rubric": ("rubric", "rubrics"),
    "index": ("answer_index", "answer_idx", "correct_index", "correct_answer_index", "correct_idx", "answer_letter"),
    "unit": (
        *("unit", "units", "answer_unit", "answer_units", "correct_unit", "si_unit", "unit_si", "uom"),
        *("einheit", "unité", "unidad", "unità", "unidade", "eenheid", "enhet", "jednostka", "единица"),
        *("единица_измерения", "单位", "単位", "단위"),
    ),
    "tolerance": (
        *("tolerance", "tol", "answer_tolerance", "numeric_tolerance", "tolerance_percent", "percent_tolerance"),
        *("absolute_tolerance", "abs_tolerance", "abs_tol", "atol", "margin_of_error", "error_margin", "toleranz"),
        *("tolérance", "tolerancia", "tolleranza", "tolerância", "fehlertoleranz", "允许误差", "допуск"),
        *("tolerance_abs", "toleranz_abs", "allowed_error"),
    ),
    "relative_tolerance": ("relative_tolerance", "rel_tolerance", "rel_tol", "rtol", "tolerance_rel"),
}
MAYBE_PASSAGES = (  # read only if they hold some words: `case` and `text` may count or name the questions
    *("premises", "scenario", "case", "case_study"),
    *("case_text", "case_description", "vignette", "clinical_vignette", "stimulus", "reading_passage", "document"),
    *("abstract", "fact_pattern", "situation", "exhibit", "excerpt", "source_text", "extract"),
    *("given", "information", "introduction", "patient", "patient_history", "text", "code", "conditions"),
    *("kontext", "fallbeispiel", "lesetext", "contexte", "énoncé_du_cas", "texte", "contexto", "texto", "contesto"),
    *("instruction", "system", "system_prompt", "flores_passage"),
    *("testo", "контекст", "текст", "材料", "文章", "上下文", "背景", "지문"),
)
FALLBACKS = {  # further names, read only where a file has none of the names above
    "question": (
        *("question_stem", "stem", "question_text", "problem_text", "query", "prompt", "messages", "input"),
        *("frage", "aufgabe", "énoncé", "pregunta", "enunciado", "domanda", "pergunta", "vraag", "fråga", "pytanie"),
        *("вопрос", "问题", "题目", "题干", "問題", "問題文", "質問", "질문", "conversations", "conversation"),
    ),
    "options": ("endings", "candidates", "answer_choices", "answer_options", "possible_answers", "mc1_targets"),
    "answer": (
        *("correct", "correct_option", "correct_choice", "correct_answers", "right_answer", "best_answer", "answers"),
        *("answer_text", "final_answer", "expected_answer", "gold_answer", "gold_label", "label", "cop", "target"),
        *("reference_answer", "reference", "final_decision", "ground_truth", "reward_model", "answer_number"),
        *("richtige_antwort", "korrekte_antwort", "antwort", "lösung", "loesung"),
        *("bonne_réponse", "bonne_reponse", "réponse_correcte", "reponse_correcte", "réponse", "reponse"),
        *("respuesta_correcta", "respuesta", "risposta_corretta", "risposta_esatta", "risposta"),
        *("resposta_correta", "resposta", "gabarito", "juiste_antwoord", "antwoord", "rätt_svar", "svar"),
        *("poprawna_odpowiedź", "odpowiedź", "правильный_ответ", "ответ", "正确答案", "答案", "正解", "정답"),
    ),
    "kind": ("answer_type", "question_type"),
    "topic": ("subject_name", "high_level_domain", "domain", "subdomain", "subfield", "discipline", "field"),
    "passage": ("background", "story", "ctx", "body", "contexts", "premise", *MAYBE_PASSAGES),
    "split": ("set", "data_split", "dataset_split", "partition", "subset"),
    "solution": (
        *("solution", "worked_solution", "explanation", "answer_explanation", "rationale", "reasoning", "exp", "cot"),
        *("chain_of_thought", "erklärung", "begründung", "lösungsweg", "explication", "explicación", "spiegazione"),
        *("explicação", "解析", "解説", "解题过程"),
    ),
}
WEAKEST = {  # read only where a file has none of those names either
    "question": ("text",),
    "answer": ("solution", "output"),
}
LAST = {"answer": ("completion", "ideal", "ans", "correct_answer_num")}  # and these only without any of those
OPTION_NUMBERS = (  # columns of numbers of options
    *("label", "gold_label", "cop", "correct_option", "correct_choice", "correct_answer_num"),
)
FLAGS = ("is_correct", "is_right", "correct", "correctness", "label")  # whether the answer beside it is right
CERTAIN_ANSWERS = (  # columns of right answers, whatever is called `answer` beside them
    *("ground_truth", "reference_answer", "expected_answer", "gold_answer", "gold_label", "right_answer"),
    *("best_answer", "final_answer", "short_answer", "correct_answers", "correct_option", "correct_choice"),
    *("true_answer", "target_answer"),
)
UNCERTAIN_ANSWERS = ("label", "target", "reference", "correct", "answers", "answer_text", "result")  # they may be
# The first letters of other alphabets, by which options may be counted.
ALPHABETS = (
    *("АБВГДЕЖЗ", "ΑΒΓΔΕΖΗΘ", "אבגדהוזח", "أبجدهوزح", "가나다라마바사아"),
    *("甲乙丙丁戊己", "アイウエオカ", "กขคงจฉ", "कखगघङच"),
)

_REMARK = re.compile(r"(?:\s+[-\u2013]\s+(?:max \d+ \w+|choose at least one)|\s*\((?:s|optional|required|text)\))+$")
_STEMS = (
    "option|choice|opt|op|ans|answer|alternative|ending|candidate|variant|"
    "antwort|antwortmöglichkeit|antwortoption|auswahl|auswahlmöglichkeit|svarsalternativ|şık|pilihan|"
    "choix|proposition|réponse|reponse|opción|opcion|alternativa|"
    "respuesta|opzione|risposta|scelta|opção|opcao|resposta|antwoord|optie|alternativ|svar|odpowiedź|"
    "вариант|ответ|вариантответа|选项|選択肢|보기"
)
_ORDINALS = ("first|1st", "second|2nd", "third|3rd", "fourth|4th", "fifth|5th", "sixth|6th")
_STEM = rf"(?:possible|answer|multiple|mcq?|response)*(?:{_STEMS})s?"
_LABEL = rf"[a-z{''.join(ALPHABETS).lower()}]|\d{{1,2}}"
_OPTION = re.compile(rf"{_STEM}(?:text|value)?({_LABEL})(?:text|value)?|sol(\d)|([a-z]|\d{{1,2}})")
_ORDINAL_OPTION = re.compile("(?:" + "|".join(f"({words})" for words in _ORDINALS) + f"){_STEM}")
_NO_OPTION = re.compile(rf"{_STEM}|{_STEM}(?:label|key|id|letter)s?\d{{1,2}}")  # a word alone; labels in columns
_LIKE_AN_OPTION = re.compile(r"(?:op|ans|alternative|answer)*(?:[a-z]|\d{1,2})")
_WRONG = re.compile(
    r"(?:(?:incorrect|wrong|false|dist?ractors?|distraktor(?:en)?|distracteurs?|foil|falsch|incorrecta|干扰项)"
    r"(?:(?:answer|option|choice)s?)?"
    r"|falscheantwort(?:en)?|(?:mauvaise|fausse)s?r[ée]ponses?|(?:respuesta|resposta|risposta)s?"
    r"(?:incorrecta|incorreta|errada|sbagliata|errata)s?)(?:\d{1,2}|[a-z])?"
)
_SERIES = re.compile(r"(.*?[^\W\d_])[\W_]*(\d{1,2})|(.+?)[\W_]([a-z])")


def normalize_name(name: str) -> str:
    """The name of a column as names are compared: `Correct Answer`, `correct_answer` and `correctAnswer` are the same.

    Without case, spaces and marks, and without advice on how to fill it.
    """
    plain = unicodedata.normalize("NFKC", _strip_remarks(name))
    return "".join(mark for mark in plain if mark.isalnum() or not (mark.isprintable() or mark.isspace()))


def means_question(name: str) -> bool:
    """Whether a column of this name may hold the question."""
    return normalize_name(name) in _QUESTIONS


def find_option_label(name: str) -> str:
    """The letter or the number of the option that a column of this name holds; "" for any other column."""
    plain = normalize_name(name)
    if len(plain) == 1 and any(plain.upper() in alphabet for alphabet in ALPHABETS):
        return plain.upper()
    ordinal = _ORDINAL_OPTION.fullmatch(plain)
    if ordinal:
        return str(ordinal.lastindex)
    option = None if _NO_OPTION.fullmatch(plain) else _OPTION.fullmatch(plain)
    label = next(filter(None, option.groups())) if option else ""
    return str(int(label)) if label.isdecimal() else label.upper()


def looks_like_an_option(name: str) -> bool:
    """Whether a column may hold an option, by its name, though not which."""
    plain = normalize_name(name)
    return _LIKE_AN_OPTION.fullmatch(plain) is not None and _NO_OPTION.fullmatch(plain) is None


def holds_wrong_answers(name: str) -> bool:
    """Whether a column of this name holds wrong answers."""
    return _WRONG.fullmatch(normalize_name(name)) is not None


def find_series(names: list[str]) -> list[str]:
    """The first names that differ only in a number or letter at the end, counted without a gap: from 2 to 26."""
    found: dict[str, dict[str, str]] = {}
    for name in names:
        parts = _SERIES.fullmatch(re.sub(r"\W+$", "", _strip_remarks(name)))
        if parts:
            stem, label = (part for part in parts.groups() if part)
            found.setdefault(normalize_name(stem), {})[str(int(label)) if label.isdecimal() else label] = name
    for series in found.values():
        first = 0 if "0" in series else 1
        counted = {str(first + i) for i in range(len(series))}, {*LETTERS[: len(series)].lower()}
        if 1 < len(series) <= len(LETTERS) and {*series} in counted:
            return [*series.values()]
    return []


def _strip_remarks(name: str) -> str:
    return _REMARK.sub("", name.strip().lower())


_QUESTIONS = frozenset(map(normalize_name, (*COLUMNS["question"], *FALLBACKS["question"])))
