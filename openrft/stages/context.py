"""What the stages of one job share: the job, its task, its plugins, the policy, the store."""

from __future__ import annotations

import contextlib
import functools
import json
import logging
import time
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any, cast

from openrft.baselines.policy import BASELINE_PREFIX
from openrft.config.options import PathMarker
from openrft.config.settings import PolicySettings
from openrft.errors import CheckpointError, UsageError
from openrft.job import Job
from openrft.plugins.hookspecs import HookResult
from openrft.plugins.manager import PluginSet
from openrft.plugins.policy_registry import fingerprint_policy, open_policy
from openrft.policies.base import Policy, TrainablePolicy
from openrft.runtime.code_digest import LIBRARIES, digest_reachable, installed_versions
from openrft.runtime.fingerprint import expand_path, fingerprint_path
from openrft.runtime.machine import count_threads, identify_machine
from openrft.runtime.paid.account import current_account
from openrft.runtime.paid.usage import Usage
from openrft.runtime.progress import Progress
from openrft.runtime.ranks import current_ranks
from openrft.runtime.store import StageResult, Store
from openrft.runtime.tracking import TrackerConfig
from openrft.stages.work import count_calls, count_work
from openrft.tasks.task import Task
from openrft.types import content_id
from openrft.version import __version__

logger = logging.getLogger(__name__)

REPLIES_MISSING = "replies_missing"  # the count of what a replay lacked
STAGE_NOTE = "Stage: "  # begins the note on an error that names its stage


@dataclass(frozen=True, slots=True)
class StageRecord:
    """The cost of a stage when it was made, with its counts and metrics."""

    stage: str
    seconds: float
    tokens: int  # generated tokens
    reused: bool
    counts: Mapping[str, int] = field(default_factory=dict)
    metrics: Mapping[str, float] = field(default_factory=dict)
    usage: tuple[Usage, ...] = ()  # of servers, by model: the replies that the result rests on, whoever paid for them


class PolicyHandle:
    """The policy in training: a base and the adapters made so far. It is loaded when it is first needed."""

    def __init__(self, spec: str, task: Task | None = None, settings: PolicySettings | None = None) -> None:
        self.spec, self._settings = spec, settings or PolicySettings()
        self._task = task  # the task that a baseline answers
        # Known without loading anything. It changes with the settings and with each adapter.
        self.id = fingerprint_policy(spec, task)
        if self._settings.changes and not spec.startswith(BASELINE_PREFIX):
            self.id = content_id(self.id, self._settings.changes)
        self._adapters: list[Path] = []
        self._applied = 0
        self._policy: Policy | None = None
        self.load_seconds = 0.0  # spent on opening it, imports included

    def load(self) -> Policy:
        """The policy with every adapter merged."""
        if self._policy is None:
            began = time.perf_counter()
            self._policy = open_policy(self.spec, self._task, self._settings)
            self.load_seconds += time.perf_counter() - began
        for folder in self._adapters[self._applied :]:
            trainable = _with_weights(self._policy, self.spec, "an adapter")
            trainable.load_adapter(folder)
            trainable.merge_adapter()
            self._applied += 1
        return self._policy

    def load_trainable(self, purpose: str) -> TrainablePolicy:
        """The policy, if it has local weights. Otherwise raises UsageError, which names the purpose."""
        return _with_weights(self.load(), self.spec, purpose)

    @property
    def adapters(self) -> tuple[Path, ...]:
        """The folders of the adapters of the stages so far, in order."""
        return tuple(self._adapters)

    def add_adapter(self, adapter: Path, key: str) -> None:
        """Add this adapter, the result of the stage with this key, to the policy.

        If the policy was trained in this process, its adapter is dropped and read from the store, so that a reused
        stage and a new one continue from the same bits.
        """
        if self._policy is not None:
            _with_weights(self._policy, self.spec, "an adapter").drop_adapter()
        self._adapters.append(adapter)
        self.id = key


def _with_weights(policy: Policy, spec: str, purpose: str) -> TrainablePolicy:
    if not hasattr(policy, "attach_lora"):
        raise UsageError(
            f"{purpose} needs a policy with local weights, and {spec!r} has none.",
            "Give a checkpoint folder or hub id with --policy.",
        )
    return cast(TrainablePolicy, policy)


def _identify_paths(plugins: PluginSet, name: str) -> list[list[str]]:
    return [[option, _fingerprint(marker, path)] for option, marker, path in plugins.named_paths(name)]


def _fingerprint(marker: PathMarker, path: str) -> str:
    """A fingerprint of what an option names; "" for what is not there: a plugin that needs it has refused it."""
    if marker.names == "weights":
        try:
            return fingerprint_policy(path)
        except CheckpointError:
            return ""
    file = expand_path(path)
    return fingerprint_path(file) if marker.names == "file" and file.exists() else ""


@functools.cache
def _find_core_versions() -> dict[str, str]:
    """The versions of the libraries that every stage's result depends on."""
    return installed_versions(LIBRARIES)


@dataclass(slots=True)
class JobContext:
    """One running job."""

    job: Job
    task: Task  # the whole task; only evaluate may read its test split
    plugins: PluginSet
    policy: PolicyHandle
    store: Store
    progress: Progress
    track: TrackerConfig | None = None  # the tracker that shows the metrics of RL
    stage_records: list[StageRecord] = field(default_factory=list)

    @property
    def training_task(self) -> Task:
        """The task without test samples, for every stage except evaluate."""
        return replace(self.task, test=())

    def identity(self, names: Iterable[str]) -> list[list[Any]]:
        """What a stored result depends on, for each plugin: its code, its options, and the content of the weights and
        files that they name. So new weights at an old path never get old results."""
        names = list(names)
        rows = self.plugins.identity(names)
        for name, row in zip(names, rows, strict=True):
            row += _identify_paths(self.plugins, name)
            if scorer := self.plugins.scorers.get(name):
                row += [[*own, *_identify_paths(scorer, own[0])] for own in scorer.identity(scorer.names)]
        return rows

    def run_stage(
        self,
        name: str,
        version: int,
        inputs: Mapping[str, Any],
        make: Callable[[Path, StageStats], None],
        keep: Collection[str] = (),
    ) -> StageResult:
        """Run or reuse a stage. `make` fills a folder and the stats, and the cost is kept with the result.

        The files named in `keep` are left from a stopped attempt. The key depends on the code that can be reached from
        the module that defines `make`.
        """
        stats, account, loading = StageStats(), current_account(), self.policy.load_seconds

        def timed(folder: Path) -> None:
            began = time.perf_counter()
            logger.info("stage %s started (key %s)", name, folder.stem)
            lacked = account.missing if account else 0
            with account.in_stage(name, folder.stem) if account else contextlib.nullcontext():
                make(folder, stats)
            if account and account.missing > lacked:
                stats.count(REPLIES_MISSING, account.missing - lacked)
            usage = [asdict(found) for found in account.sum_uses(folder.stem)] if account else []
            spent = time.perf_counter() - began + stats.earlier_seconds
            row = {"seconds": spent, "tokens": stats.tokens, "counts": stats.counts, "metrics": stats.metrics}
            row |= {"usage": usage} if usage else {}
            row["work"] = self._describe_work(name, self.policy.load_seconds - loading)
            (folder / "cost.json").write_text(json.dumps(row, sort_keys=True), encoding="utf-8")
            logger.info("stage %s finished in %.1f s (key %s)", name, spent, folder.stem)

        # The task's plugin rewords, grades and checks steps in every stage, so every result depends on its code.
        family = [self.plugins.code(n) for n in self.plugins.names if n == self.job.task.split("/")[0]]
        core = [__version__, digest_reachable(make.__module__), _find_core_versions()]
        data = self.job.data
        rules = [data.tolerance, installed_versions(("pint",)) if data.convert_units else None]
        key = {"stage": name, "version": version, "core": core, "family": family, "rules": rules, **inputs}
        if account and account.settings.replay and not self.store.holds(name, key):
            key["replay"] = account.count_replies()  # some may be missing: what comes of it stands apart
        try:
            result = self.store.result(name, key, timed, keep)
        except Exception as fault:
            fault.add_note(f"{STAGE_NOTE}{name}")
            raise
        row = json.loads((result.folder / "cost.json").read_text("utf-8"))
        if result.reused:
            logger.info("stage %s reused, %.1f s saved (key %s)", name, row["seconds"], result.key)
        usage = tuple(Usage(**found) for found in row.get("usage", ()))
        self.stage_records.append(
            StageRecord(name, row["seconds"], row["tokens"], result.reused, row["counts"], row["metrics"], usage)
        )
        return result

    def _describe_work(self, stage: str, load_seconds: float) -> dict[str, Any]:
        """What the stage's seconds were spent on, and where, for forecasts of the next one."""
        job, ranks = self.job, current_ranks().size
        return {
            "task": job.task,
            "policy": job.policy,
            "units": count_work(stage, self.job.settings, self.task, self.plugins),
            "calls": count_calls(stage, self.job.settings),
            "load_seconds": load_seconds,
            "machine": identify_machine() if ranks == 1 else content_id(identify_machine(), ranks),
            "threads": count_threads(),
        }


@dataclass(slots=True)
class StageStats:
    """Counts and metrics of a running stage."""

    tokens: int = 0
    counts: dict[str, int] = field(default_factory=dict)
    metrics: dict[str, float] = field(default_factory=dict)
    earlier_seconds: float = 0.0  # spent before the stage was interrupted and resumed

    def count(self, name: str, n: int = 1) -> None:
        """Add `n` to a count; a count that stays 0 is reported too."""
        self.counts[name] = self.counts.get(name, 0) + n

    def add_result(self, plugin: str, result: HookResult[Any]) -> None:
        """Add the counts of a plugin's hook and set its metrics, each as `PLUGIN.NAME`."""
        for name, n in result.counts.items():
            self.count(f"{plugin}.{name}", n)
        self.metrics.update({f"{plugin}.{name}": value for name, value in result.metrics.items()})
