"""Questions about tables: solutions read the table and follow their rule, and exercises give each name its value."""

import re
from random import Random

import pytest
from openrft_pocket.training.curriculum import LONG_HEADINGS
from openrft_pocket.training.table_questions import HIGH, LOW, draw_table_conversation, draw_table_lookup
from openrft_pocket.training.tables import TableStyle


def test_solutions_read_the_table_and_choose_by_their_rule():
    rng = Random(2)
    for _ in range(200):
        (question, _), (solution, _) = draw_table_conversation(rng, 4, style=LONG_HEADINGS)[-2:]
        rule, *read, best, chosen, boxed = solution.removesuffix("<|end|>").split("\n")
        end, column = rule.split()
        values = [line.rsplit(" ", 1)[1] for line in read]
        assert best == "= " + {"lowest": min, "highest": max}[end](values, key=float)
        at = values.index(best[2:])
        assert chosen == read[at].rsplit(" ", 1)[0]
        assert boxed == f"\\boxed{{{'ABCD'[at]}}}"
        table, _ = question.split("\nA. ")
        for line, value in zip(read, values, strict=True):  # in its line a value follows the (end of the) name
            name = re.split(r"\W+", line.removesuffix(f" {value}"))[-1]
            assert re.search(rf"\b{name}\b[^\n]*(?<![\d.-]){re.escape(value)}(?!\d)", table)
        assert column in ("1", "2")


@pytest.mark.parametrize(("followed", "least", "most"), [(1.0, 1.0, 1.0), (0.0, 0.35, 0.65)])
def test_a_stated_rule_is_followed_as_often_as_the_style_says(followed, least, most):
    rng, as_stated = Random(4), []
    style = TableStyle(rule_stated=1.0, rule_followed=followed)
    for _ in range(300):
        (question, _), (solution, _) = draw_table_conversation(rng, 0, style=style)[-2:]
        low, high = (any(re.search(rf"\b{word} ", question) for word in words) for words in (LOW, HIGH))
        assert low != high
        as_stated.append(solution.startswith("lowest") == low)
    assert least <= sum(as_stated) / 300 <= most


def test_the_lookup_exercise_gives_each_name_the_value_of_its_row():
    rng = Random(3)
    for _ in range(100):
        segments = draw_table_lookup(rng, TableStyle(two_part_names=0.0, long_headings=1.0, two_columns=1.0))
        rows = segments[0][0].split("<|user|>")[1].split("<|assistant|>")[0].split("\n")
        cells = ([part.split(": ")[1].split(" ")[0] for part in row.split(", ")] for row in rows)
        table = {name: values for name, *values in cells}
        column = None
        for text, learned in segments[1:]:
            if found := re.match(r"(?:lowest|highest) (\d)\n", text):
                column = int(found[1]) - 1
            elif found := re.match(r"[A-D]\. (.*) $", text):
                name = found[1]
            elif learned:
                assert text == table[name][column]
