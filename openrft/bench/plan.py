"""From what was asked (tasks, plugins, seeds, settings) to arms and jobs, with everything that was added said aloud."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

from openrft.baselines.policy import BASELINE_PREFIX
from openrft.baselines.registry import check_baseline_name, list_applicable
from openrft.bench.arms import AblationPlan, build_arms, parse_arms
from openrft.config.options import parse_options, raise_faults
from openrft.config.presets import PRESETS
from openrft.config.settings import STAGE_SETTINGS, Settings, parse_stage_settings
from openrft.errors import CheckpointError, OpenRFTError, UnknownName, UsageError
from openrft.job import Arm, Job, arm_from_json
from openrft.plugins.manager import PluginSet, create_plugin
from openrft.plugins.policy_registry import VLLM_PREFIX, find_named_checkpoint, fingerprint_policy
from openrft.plugins.registry import list_plugins
from openrft.plugins.task_registry import load_task, select_tasks
from openrft.tasks.task import DataRequest

ARM_HOOKS = ("augment", "synthesize", "retrieve", "reward", "train_step", "evaluate", "judge")

Values = dict[str, dict[str, Any]]


@dataclass(frozen=True, slots=True)
class BenchRequest:
    """What a user asked for; everything has a default that runs on the embedded pocket family."""

    tasks: tuple[str, ...] = ("pocket/L3",)
    plugins: tuple[str, ...] = ("sft", "prm", "da", "icl")
    arms: str = "ablation"  # add-one and leave-one-out; "lattice": every subset; "paper": Table 1; "none": only `extra`
    extra: tuple[str, ...] = ()  # further arms, each NAME=PLUGIN,PLUGIN,OWNER.OPTION=VALUE
    seeds: tuple[int, ...] = (0,)
    policy: str = "pocket"
    baselines: bool = False  # an arm for each rule that answers without a model
    preset: str | None = None
    data: Mapping[str, Any] = field(default_factory=dict)  # fields of DataRequest that were given
    values: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)  # stage or plugin -> option -> value


@dataclass(frozen=True, slots=True)
class BenchPlan:
    """What a bench runs: every arm on every task with every seed."""

    tasks: tuple[str, ...]
    arms: tuple[Arm, ...]
    seeds: tuple[int, ...]
    policy: str
    data: DataRequest
    settings: Settings
    options: Mapping[str, Mapping[str, Any]]
    ablation: AblationPlan
    notices: tuple[str, ...] = ()  # what was added on the user's behalf

    def jobs(self) -> list[Job]:
        """Every job, in the order of the table; arms of one task and seed stand together, as they share stages."""
        return [self._job(arm, task, seed) for task in self.tasks for seed in self.seeds for arm in self.arms]

    @property
    def needs_models(self) -> bool:
        """Whether anything but rules answers."""
        return any(not (arm.policy or self.policy).startswith(BASELINE_PREFIX) for arm in self.arms)

    def _job(self, arm: Arm, task: str, seed: int) -> Job:
        policy, settings = arm.policy or self.policy, _departing(self.settings, arm)
        if policy.startswith(BASELINE_PREFIX):  # a rule says the same each time, so it is asked once
            settings = replace(settings, evaluate=replace(settings.evaluate, completions=1))
        return Job(arm, task, seed, policy, self.data, settings, self._options_of(arm, task))

    def _options_of(self, arm: Arm, task: str) -> dict[str, Mapping[str, Any]]:
        acting = dict.fromkeys((_family(task), *arm.plugins))
        merged = {name: {**self.options.get(name, {}), **arm.overrides.get(name, {})} for name in acting}
        return {name: options for name, options in merged.items() if options}


def make_plan(asked: BenchRequest) -> BenchPlan:
    """Validate everything, reporting all faults of the options at once. Raises UsageError or UnknownName."""
    notices: list[str] = []
    source = {**asked.values.get("data", {}), **asked.data}.get("data")
    tasks = tuple(dict.fromkeys(name for selector in asked.tasks for name in select_tasks(selector, source)))
    arms, rungs = build_arms(asked.plugins, asked.arms, notices)
    arms = (*arms, *parse_arms(asked.extra, taken=[a.name for a in arms]))
    _check_policy(asked.policy)
    values = _layered(asked, notices)
    used = list(dict.fromkeys([*map(_family, tasks), *(name for arm in arms for name in arm.plugins)]))
    faults = _unknown_owners(asked.values, used)
    settings, found = parse_stage_settings(values)
    faults += found
    data, found = parse_options(DataRequest, "data", {**values.get("data", {}), **asked.data})
    faults += found
    options = {name: values[name] for name in used if values.get(name)}
    for name in used:
        faults += create_plugin(name, options.get(name, {}))[1]
    faults += [fault for arm in arms for fault in _faults_of(arm, options)]
    raise_faults(faults)
    _check_models(arms, options)
    assert data is not None
    plugins = PluginSet(used, options)  # a plugin that does not fit the hooks is refused before any time is spent
    notices += [line for arm in arms for line in _idle(arm, plugins)]
    if asked.baselines:
        arms = (*arms, *_baselines(tasks, data, taken=[arm.policy or asked.policy for arm in arms]))
    return BenchPlan(tasks, arms, asked.seeds, asked.policy, data, settings, options, rungs, tuple(notices))


def _idle(arm: Arm, plugins: PluginSet) -> Iterator[str]:
    """What an arm names in vain: it would be measured as worth nothing, under a name that says otherwise."""
    for what, hooks, objectives in (
        ("RL", ("augment", "reward"), ("explore", "explore_stage")),
        ("imitation", ("synthesize",), ("imitate",)),
    ):
        trained = {name for objective in objectives for name in plugins.trainers_for(objective)} & {*arm.plugins}
        for name in arm.plugins if not trained else ():
            acts = {hook for hook in ARM_HOOKS if name in plugins.implementing(hook)}
            if acts and acts <= {*hooks}:
                yield f"arm {arm.name}: {name} acts in {what} only, which nothing in the arm does: it changes nothing."


def _departing(settings: Settings, arm: Arm) -> Settings:
    """The settings with the arm's own values in them, which were validated when the plan was made."""
    values: Values = {s: {**asdict(getattr(settings, s)), **arm.overrides.get(s, {})} for s in STAGE_SETTINGS}
    return parse_stage_settings(values)[0]


def _faults_of(arm: Arm, options: Mapping[str, Mapping[str, Any]]) -> list[str]:
    """What is wrong with the values that an arm has of its own."""
    faults: list[str] = []
    for owner, values in arm.overrides.items():
        if owner in STAGE_SETTINGS:
            faults += parse_stage_settings({owner: dict(values)})[1]
        elif owner in arm.plugins:
            faults += create_plugin(owner, {**options.get(owner, {}), **values})[1]
        else:
            faults.append(f"sets options of {owner}, which is neither a stage nor a plugin of this arm.")
    return [f"--arm {arm.name}: {fault}" for fault in faults]


def _check_policy(spec: str) -> None:
    if spec.startswith(BASELINE_PREFIX):
        check_baseline_name(spec.removeprefix(BASELINE_PREFIX))
        return
    fingerprint_policy(spec)
    folder = Path(spec.removeprefix(VLLM_PREFIX))
    if folder.is_dir() and not (folder / "config.json").is_file():
        raise CheckpointError(f"{spec}: there is no config.json in this folder.", "Give a transformers checkpoint.")


def _check_models(arms: Sequence[Arm], options: Mapping[str, Mapping[str, Any]]) -> None:
    """A model that an option names and that is not there would fail its arm late, when others have run for hours."""
    for owner, values in (*options.items(), *(item for arm in arms for item in arm.overrides.items())):
        model = values.get("model")
        if model and model != "self":  # as `Work.identity` reads it
            try:
                fingerprint_policy(str(model))
            except OpenRFTError as fault:
                fault.message = f"{owner}.model: {fault.message}"
                raise


def _baselines(tasks: Sequence[str], data: DataRequest, taken: Sequence[str]) -> list[Arm]:
    """An arm for each rule that answers some question of these tasks."""
    names = dict.fromkeys(name for task in tasks for name in list_applicable(load_task(task, data)))
    return [
        Arm(BASELINE_PREFIX + name, policy=BASELINE_PREFIX + name)
        for name in names
        if BASELINE_PREFIX + name not in taken
    ]


def _layered(asked: BenchRequest, notices: list[str]) -> Values:
    """Defaults < what the policy recommends < the preset < what was set by hand."""
    layers: list[Mapping[str, Mapping[str, Any]]] = []
    shipped = find_named_checkpoint(asked.policy)
    if shipped and shipped.recommended:
        layers.append(shipped.recommended)
        notices.append(f"settings that the policy {asked.policy!r} recommends are used (`plan.json` lists them).")
    if asked.preset is not None:
        if asked.preset not in PRESETS:
            raise UnknownName("preset", asked.preset, PRESETS)
        layers.append(PRESETS[asked.preset])
    layers.append(asked.values)
    merged: Values = {}
    for layer in layers:
        for owner, options in layer.items():
            merged.setdefault(owner, {}).update(options)
    return merged


def _family(task: str) -> str:
    """The plugin that a task comes from. It takes part in every arm: it may judge and measure."""
    return task.split("/")[0]


def _unknown_owners(values: Mapping[str, Any], used: Collection[str]) -> list[str]:
    """Faults for options given to something that does not exist or takes no part."""
    faults = []
    for owner in values:
        if owner in STAGE_SETTINGS or owner in used or owner == "data":
            continue
        if owner in list_plugins():
            faults.append(f"options are set for {owner}, which is in no arm; add it to --plugins.")
        else:
            faults.append(str(UnknownName("stage or plugin", owner, [*STAGE_SETTINGS, "data", *list_plugins()])))
    return faults


def plan_to_json(plan: BenchPlan) -> dict[str, Any]:
    """Plain data; `plan_from_json` reads it back."""
    plain: dict[str, Any] = json.loads(json.dumps(asdict(plan)))
    return plain


def plan_from_json(row: Mapping[str, Any]) -> BenchPlan:
    """Rebuild a plan written by `plan_to_json`. Raises UsageError if it is not one."""
    try:
        settings, faults = parse_stage_settings(row["settings"])
        data, found = parse_options(DataRequest, "data", row["data"])
        raise_faults([*faults, *found])
        assert data is not None
        plan = BenchPlan(
            tuple(row["tasks"]),
            tuple(map(arm_from_json, row["arms"])),
            tuple(row["seeds"]),
            row["policy"],
            data,
            settings,
            row["options"],
            AblationPlan(**{**row["ablation"], "plugins": tuple(row["ablation"]["plugins"])}),
            tuple(row["notices"]),
        )
        raise_faults(_contradictions(plan))
    except (AttributeError, KeyError, TypeError) as fault:
        raise UsageError(f"not a plan: {fault!r}.", "Give a plan.json that a bench wrote.") from fault
    _check_policy(plan.policy)
    _check_models(plan.arms, plan.options)
    return plan


def _contradictions(plan: BenchPlan) -> list[str]:
    """What an edited plan holds that no bench would have written: it is refused before any time is spent."""
    names = [arm.name for arm in plan.arms]
    faults = [f"{what} is empty" for what in ("tasks", "arms", "seeds") if not getattr(plan, what)]
    faults += [f"tasks: {task!r} is not FAMILY/NAME" for task in plan.tasks if "/" not in str(task)]
    faults += [f"seeds: {seed!r} is not a whole number" for seed in plan.seeds if type(seed) is not int]
    faults += [f"arms: {name!r} stands there {names.count(name)} times" for name in set(names) if names.count(name) > 1]
    faults += [f"arms: {name!r} has a slash in its name" for name in names if {*"/\\"} & {*name}]
    ends = dict.fromkeys((plan.ablation.vanilla, plan.ablation.base, plan.ablation.full))
    faults += [f"ablation: there is no arm {name!r}" for name in ends if name not in names]
    for name in dict.fromkeys(name for arm in plan.arms for name in arm.plugins):
        faults += create_plugin(name, plan.options.get(name, {}))[1]
    return faults + [fault for arm in plan.arms for fault in _faults_of(arm, plan.options)]
