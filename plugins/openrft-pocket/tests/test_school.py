"""The school on a small scale: lessons render as the template does, given heads copy, training stops and resumes."""

import json
import re
from random import Random

import pytest
from openrft_pocket.kinds import KINDS
from openrft_pocket.school.chat import conversation
from openrft_pocket.school.curriculum import LONG
from openrft_pocket.school.drills import DRILLS
from openrft_pocket.school.lessons import Diet, exercise, row
from openrft_pocket.school.listing import HIGH, LOW, reading
from openrft_pocket.school.looking import extremes, finding, seeking
from openrft_pocket.school.rows import IGNORED, encode
from openrft_pocket.school.sheets import Sheets
from openrft_pocket.shelf import folder_of


@pytest.fixture(scope="module")
def tokenizer():
    from transformers import AutoTokenizer

    return AutoTokenizer.from_pretrained(folder_of("pocket"))


@pytest.mark.parametrize("turns", [1, 3])
def test_lessons_are_what_the_template_renders(tokenizer, turns):
    rng = Random(0)
    talk = [exercise(kind, rng, Diet())[:2] for kind in list(KINDS.values())[:turns]]
    messages = [{"role": "system", "content": conversation([])[0][0].split("<|system|>")[1]}]
    for question, answer in talk:
        messages += [{"role": "user", "content": question}, {"role": "assistant", "content": answer}]
    ((ids, _),) = encode(tokenizer, [conversation(talk)])
    assert ids == tokenizer.apply_chat_template(messages)["input_ids"]


def test_pieces_of_rows_tokenize_as_the_whole_row(tokenizer):
    rng = Random(1)
    rows = [drill(rng) for drill in (*DRILLS, extremes, finding, seeking) for _ in range(20)]
    rows += [row(rng, Diet(shots=0.5)) for _ in range(100)] + [reading(rng, 4, 0.5, sheets=LONG) for _ in range(50)]
    for (ids, labels), pieces in zip(encode(tokenizer, rows), rows, strict=True):
        assert ids == tokenizer.encode("".join(text for text, _ in pieces), add_special_tokens=False)
        assert any(label != IGNORED for label in labels)


def test_traces_of_listed_values_read_the_table_and_choose_by_their_rule():
    rng = Random(2)
    for _ in range(200):
        (question, _), (trace, _) = reading(rng, 4, sheets=LONG)[-2:]
        rule, *read, best, chosen, boxed = trace.removesuffix("<|end|>").split("\n")
        end, column = rule.split()
        values = [line.rsplit(" ", 1)[1] for line in read]
        assert best == "= " + {"lowest": min, "highest": max}[end](values, key=float)
        at = values.index(best[2:])
        assert chosen == read[at].rsplit(" ", 1)[0]
        assert boxed == f"\\boxed{{{'ABCD'[at]}}}"
        table, _ = question.split("\nA. ")
        for line, value in zip(read, values, strict=True):  # its value stands behind the (end of the) name, in its line
            name = re.split(r"\W+", line.removesuffix(f" {value}"))[-1]
            assert re.search(rf"\b{name}\b[^\n]*(?<![\d.-]){re.escape(value)}(?!\d)", table)
        assert column in ("1", "2")


@pytest.mark.parametrize(("heeded", "least", "most"), [(1.0, 1.0, 1.0), (0.0, 0.35, 0.65)])
def test_a_told_rule_is_heeded_as_often_as_the_sheets_say(heeded, least, most):
    rng, as_said = Random(4), []
    for _ in range(300):
        (question, _), (trace, _) = reading(rng, 0, sheets=Sheets(told=1.0, heeded=heeded))[-2:]
        low, high = (any(re.search(rf"\b{word} ", question) for word in words) for words in (LOW, HIGH))
        assert low != high
        as_said.append(trace.startswith("lowest") == low)
    assert least <= sum(as_said) / 300 <= most


def test_seeking_gives_each_name_the_value_of_its_row():
    rng = Random(3)
    for _ in range(100):
        pieces = seeking(rng, Sheets(paired=0.0, long=1.0, double=1.0))
        rows = pieces[0][0].split("<|user|>")[1].split("<|assistant|>")[0].split("\n")
        told = {
            name: values for name, *values in ([p.split(": ")[1].split(" ")[0] for p in r.split(", ")] for r in rows)
        }
        column = None
        for text, learn in pieces[1:]:
            if found := re.match(r"(?:lowest|highest) (\d)\n", text):
                column = int(found[1]) - 1
            elif found := re.match(r"[A-D]\. (.*) $", text):
                name = found[1]
            elif learn:
                assert text == told[name][column]


def test_given_heads_copy_before_any_training(tokenizer):
    import torch
    from openrft_pocket.school.heads import give_heads
    from openrft_pocket.school.model import fresh

    model = fresh(tokenizer, 0)
    give_heads(model, 0)
    rng = Random(0)
    said = [rng.sample(range(6, len(tokenizer)), 12) for _ in range(16)]
    ids = torch.tensor([[1, *words, *words] for words in said])
    with torch.no_grad():
        best = model(input_ids=ids).logits[:, 13:-1].argmax(-1)
    assert (best == ids[:, 14:]).float().mean() > 0.3  # chance: 0.001


def test_training_stops_at_its_end_and_goes_on_from_its_state(tokenizer, tmp_path):
    from dataclasses import replace

    from openrft_pocket.school.model import fresh
    from openrft_pocket.school.pretrain import Course, pretrain

    course = Course(lambda rng, step: row(rng, Diet(shots=0.0)), "test", size=4, stop=6, examine=4)
    state, log = tmp_path / "state.pt", tmp_path / "log.jsonl"
    done = pretrain(fresh(tokenizer, 0), tokenizer, course, state, log)
    assert 6 <= done <= 8  # the other worker may be in its last step
    again = pretrain(fresh(tokenizer, 1), tokenizer, replace(course, stop=done + 4, decay=4), state, log, workers=1)
    assert again == done + 4
    assert set(json.loads(log.read_text().splitlines()[0])["own"]) == set(KINDS)


def test_a_work_folder_belongs_to_one_seed_and_its_checkpoints_can_move(tmp_path):
    from click.testing import CliRunner
    from openrft_pocket.build import STAGES, main

    work, out = tmp_path / "work", tmp_path / "elsewhere"
    (work / "checkpoints").mkdir(parents=True)
    (work / "checkpoints" / "made").write_text("by seed 3")
    for stage in STAGES:
        (work / f"{stage}.done").touch()
    run = CliRunner().invoke
    assert run(main, ["--work", str(work), "--seed", "3"]).exit_code == 0
    other = run(main, ["--work", str(work), "--seed", "4"])
    assert other.exit_code == 1
    assert "holds the work of seed 3, not 4" in other.output
    assert run(main, ["--work", str(work), "--seed", "3", "--out", str(out)]).exit_code == 0
    assert (out / "made").read_text() == "by seed 3"


def test_lessons_practise_more_volumes_than_the_task_asks_for():
    from openrft_pocket.kinds.lattice_volume import VOLUMES

    rng, kind = Random(6), KINDS["lattice_volume"]
    golds = set()
    for _ in range(300):
        block, _, gold = exercise(kind, rng, Diet())
        golds.add(int(re.search(rf"^{gold}\. (\d+)$", block, re.M)[1]))
    assert golds > set(VOLUMES)


def test_flawed_traces_that_are_right_by_luck_are_left_out():
    rng, diet = Random(0), Diet(slip=0.5, careless=1.0, luck=0.0)
    drawn = [exercise(KINDS["final_speed"], rng, diet) for _ in range(300)]
    right = [trace.split("\n") for _, trace, gold in drawn if trace.endswith(f"{{{gold}}}")]
    assert 20 < len(right) < 280
    for product, total, *_ in right:
        a, t, gain, start, again, speed = map(int, re.findall(r"\d+", product + " " + total))
        assert gain == again == a * t
        assert speed == start + gain
