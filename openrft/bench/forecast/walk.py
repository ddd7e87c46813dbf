"""The stages of a bench without running them: which are stored, which jobs share, and which are to do.

Every job goes through the pipeline itself, so that keys are those of the run. A stage that is not stored gets a
stand-in: files that the next stages can read, and that differ wherever keys differ.
"""

from __future__ import annotations

import json
import tempfile
from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from openrft.job import Job
from openrft.pipeline import build_context, run_stages
from openrft.runtime.files import write_jsonl
from openrft.runtime.store import StageResult, Store, is_intact, resume_folder
from openrft.stages.check_reward import CHECKS_FILE
from openrft.stages.context import JobContext
from openrft.stages.fitness import FITNESS_FILE, ROLLOUTS_FILE
from openrft.stages.instruct import INSTRUCTION_FILE
from openrft.stages.probe import FINDINGS_FILE
from openrft.stages.training_log import METRICS_FILE
from openrft.stages.work import count_calls, count_work
from openrft.types import Completion, Rollout, Sample, content_id, to_json

State = Literal["stored", "shared", "to do"]


@dataclass(frozen=True, slots=True)
class PlannedStage:
    """One stage of one job."""

    job: int  # its number in the plan's order
    stage: str
    key: str  # of its result. After a stage that is to do it is not the final one, but equal keys are still shared
    state: State  # stored; shared: another job of the bench makes it first; to do
    units: int  # completions, or questions: see `openrft.stages.work`
    calls: int  # batches that the units come in
    done: float  # the share that a stopped attempt has finished
    policy: str
    task: str
    plugins: tuple[str, ...]  # that take part in the stage
    shape: str  # a digest of the settings and of the plugins' options: equal shapes cost alike
    cost: dict[str, Any] | None = None  # of a stored stage, as it was kept


def plan_stages(jobs: Sequence[Job], root: Path) -> list[PlannedStage]:
    """The stages of every job, in the order of the jobs. `root` is the folder of the store, which is only read.

    Raises what the jobs would raise before their first stage.
    """
    with tempfile.TemporaryDirectory(prefix="openrft-forecast-") as folder:
        store = _StandInStore(root, Path(folder))
        for number, job in enumerate(jobs):
            context = build_context(job, store)
            store.enter(number, context)
            run_stages(context)
        return store.planned


class _StandInStore(Store):
    """Finds stored results and writes stand-ins for the others."""

    def __init__(self, root: Path, aside: Path) -> None:
        super().__init__(root, only_read=True)
        self._aside = aside
        self.planned: list[PlannedStage] = []
        self._job = -1
        self._context: JobContext | None = None

    def enter(self, job: int, context: JobContext) -> None:
        """What follows are stages of this job."""
        self._job, self._context = job, context

    def result(
        self, stage: str, inputs: dict[str, Any], make: Callable[[Path], None], keep: Collection[str] = ()
    ) -> StageResult:
        """See `Store.result`. Nothing is made."""
        context = self._context
        assert context is not None  # `enter` comes first
        key = content_id(stage, inputs)
        final = self.root / stage / key
        stored = is_intact(final)
        folder = final if stored else self._aside / stage / key
        seen = any(other.stage == stage and other.key == key for other in self.planned)
        if not stored and not seen:
            folder.mkdir(parents=True)
            _write_stand_in(folder, stage, key, context)
        plugins = inputs.get("plugins", [])
        self.planned.append(
            PlannedStage(
                self._job,
                stage,
                key,
                "stored" if stored else "shared" if seen else "to do",
                count_work(stage, context.job.settings, context.task, context.plugins),
                count_calls(stage, context.job.settings),
                0.0 if stored else _count_done(self.root / stage / f"{key}.part", context.job.settings.explore.steps),
                context.job.policy,
                context.job.task,
                tuple(name for name, *_ in plugins),
                describe_shape(inputs),
                json.loads((folder / "cost.json").read_text("utf-8")) if stored else None,
            )
        )
        return StageResult(key, folder, True)


def describe_shape(inputs: dict[str, Any]) -> str:
    """A digest of what a stage's cost depends on besides policy, task and amount: settings, and plugins' options."""
    options = [[name, *more[3:]] for name, *more in inputs.get("plugins", [])]
    return content_id(inputs.get("settings"), options)


def _count_done(part: Path, steps: int) -> float:
    """The share of the steps that a stopped RL run has kept."""
    kept = [int(folder.name) for folder in resume_folder(part).glob("*") if folder.name.isdigit()]
    return max(kept, default=0) / steps


def _write_stand_in(folder: Path, stage: str, key: str, context: JobContext) -> None:
    """Files that the pipeline can read on, different for each key."""
    cost = {"seconds": 0.0, "tokens": 0, "counts": {}, "metrics": {}}
    (folder / "cost.json").write_text(json.dumps(cost), encoding="utf-8")
    rows: Iterator[Any] = iter(())
    if stage == "synthesize":
        rows = (to_json(Rollout(s, (), Completion(f"{key} {s.answer}"))) for s in context.task.train)
    write_jsonl(folder / ROLLOUTS_FILE, rows)
    train = context.task.train
    new = [Sample(key, "", kind="text", parent=train[0].id, created_by=stage)] if stage == "augment" else []
    write_jsonl(folder / "samples.jsonl", map(to_json, (*train, *new)))
    (folder / INSTRUCTION_FILE).write_text(key, encoding="utf-8")
    (folder / METRICS_FILE).touch()
    for name in (FITNESS_FILE, FINDINGS_FILE, CHECKS_FILE):
        (folder / name).write_text("[]", encoding="utf-8")
