"""Rows of training: rendered and encoded as the chat template and the tokenizer do it, and mixed as requested."""

import re
from random import Random

import pytest
from openrft_pocket.question_types import QUESTION_TYPES
from openrft_pocket.question_types.lattice_volume import VOLUMES
from openrft_pocket.training.curriculum import LONG_HEADINGS
from openrft_pocket.training.data_mix import DataMix, draw_question, draw_row
from openrft_pocket.training.encoding import IGNORED, encode_rows, render_conversation
from openrft_pocket.training.exercises import EXERCISES
from openrft_pocket.training.table_questions import (
    draw_extremes,
    draw_short_table_lookup,
    draw_table_conversation,
    draw_table_lookup,
)


@pytest.mark.parametrize("turns", [1, 3])
def test_conversations_are_what_the_template_renders(tokenizer, turns):
    rng = Random(0)
    talk = [draw_question(entry, rng, DataMix())[:2] for entry in list(QUESTION_TYPES.values())[:turns]]
    messages = [{"role": "system", "content": render_conversation([])[0][0].split("<|system|>")[1]}]
    for question, answer in talk:
        messages += [{"role": "user", "content": question}, {"role": "assistant", "content": answer}]
    ((ids, _),) = encode_rows(tokenizer, [render_conversation(talk)])
    assert ids == tokenizer.apply_chat_template(messages)["input_ids"]


def test_segments_of_rows_encode_as_the_whole_row(tokenizer):
    rng = Random(1)
    exercises = (*EXERCISES, draw_extremes, draw_short_table_lookup, draw_table_lookup)
    rows = [draw(rng) for draw in exercises for _ in range(20)]
    rows += [draw_row(rng, DataMix(few_shot=0.5)) for _ in range(100)]
    rows += [draw_table_conversation(rng, 4, 0.5, style=LONG_HEADINGS) for _ in range(50)]
    for (ids, labels), segments in zip(encode_rows(tokenizer, rows), rows, strict=True):
        assert ids == tokenizer.encode("".join(text for text, _ in segments), add_special_tokens=False)
        assert any(label != IGNORED for label in labels)


def test_training_covers_more_volumes_than_the_task():
    rng, question_type = Random(6), QUESTION_TYPES["lattice_volume"]
    golds = set()
    for _ in range(300):
        question, _, gold = draw_question(question_type, rng, DataMix())
        golds.add(int(re.search(rf"^{gold}\. (\d+)$", question, re.M)[1]))
    assert golds > set(VOLUMES)


def test_solutions_with_errors_that_end_right_by_luck_are_left_out():
    rng, mix = Random(0), DataMix(error_rate=0.5, error_prone=1.0, keep_lucky=0.0)
    drawn = [draw_question(QUESTION_TYPES["final_speed"], rng, mix) for _ in range(300)]
    right = [solution.split("\n") for _, solution, gold in drawn if solution.endswith(f"{{{gold}}}")]
    assert 20 < len(right) < 280
    for product, total, *_ in right:
        a, t, gain, start, again, speed = map(int, re.findall(r"\d+", product + " " + total))
        assert gain == again == a * t
        assert speed == start + gain
