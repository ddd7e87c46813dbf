"""From a request (tasks, plugins, seeds, settings) to arms and jobs. Everything that is added becomes a notice."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from typing import Annotated, Any

from openrft.baselines.policy import BASELINE_PREFIX
from openrft.baselines.registry import check_baseline_name, list_applicable
from openrft.bench.ablation import AblationPlan, build_arms, parse_arms
from openrft.bench.plan_notices import list_plan_notices
from openrft.bench.plan_options import (
    Values,
    coerce_arms,
    coerce_options,
    collect_layers,
    find_unknown_owners,
    get_family,
    list_scorers,
    list_used_plugins,
    merge_layers,
)
from openrft.bench.seed_rule import SeedRule
from openrft.bench.shared_graders import check_graders, find_graders, find_partial_graders, share_graders
from openrft.config.documents import OMIT_EMPTY
from openrft.config.options import find_named_paths
from openrft.config.parse import LARGEST_INTEGER, parse_options, raise_faults, show_value
from openrft.config.settings import STAGE_SETTINGS, Settings, parse_stage_settings
from openrft.errors import OpenRFTError, UsageError
from openrft.job import VANILLA, Arm, Job
from openrft.plugins import registry
from openrft.plugins.manager import PluginSet
from openrft.plugins.policy_registry import (
    check_files,
    describe_policy,
    find_policy_folder,
    fingerprint_policy,
)
from openrft.plugins.registry import find_plugin, load_declaration
from openrft.plugins.task_registry import load_task, select_tasks
from openrft.runtime.text import LONGEST_NAME, make_file_name
from openrft.tasks.task import DataRequest

ARM_HOOKS = (
    "instruct",
    "augment",
    "synthesize",
    "draw_questions",
    "retrieve",
    "reward",
    "train_step",
    "evaluate",
    "grade",
    "weigh",
)

DEFAULT_PLUGINS = ("sft", "prm", "da", "icl")
UNTRAINED = "vote"  # the arm that a bench without --plugins has besides: what a user could do instead of training


@dataclass(frozen=True, slots=True)
class BenchRequest:
    """What a user asked for. Everything has a default that runs on the included pocket tasks."""

    tasks: tuple[str, ...] = ("pocket/L3",)
    plugins: tuple[str, ...] | None = None  # the plugins to measure; None: DEFAULT_PLUGINS
    arms: str = "ablation"  # add-one and leave-one-out; or "add-one"; "lattice": every subset; "paper": Table 1;
    # ^ "none": only `extra`
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
    seed_rule: Annotated[SeedRule | None, OMIT_EMPTY] = None  # by which seeds are added; None: they were given

    def jobs(self) -> list[Job]:
        """Every job, in the order of the table. Arms of one task and seed are together, because they share stages."""
        stopped = {arm.arm: arm.seeds for arm in self.seed_rule.stopped} if self.seed_rule else {}
        return [
            self._job(arm, task, seed)
            for task in self.tasks
            for number, seed in enumerate(self.seeds)
            for arm in self.arms
            if number < stopped.get(arm.name, len(self.seeds))
        ]

    @property
    def needs_models(self) -> bool:
        """Whether a model answers in any arm."""
        return any(not (arm.policy or self.policy).startswith(BASELINE_PREFIX) for arm in self.arms)

    def _job(self, arm: Arm, task: str, seed: int) -> Job:
        policy, settings = arm.policy or self.policy, _apply_overrides(self.settings, arm)
        if policy.startswith(BASELINE_PREFIX):  # a rule always gives the same answer, so one is enough
            settings = replace(settings, evaluate=replace(settings.evaluate, completions=1))
        return Job(arm, task, seed, policy, self.data, settings, self._options_of(arm, task))

    def _options_of(self, arm: Arm, task: str) -> dict[str, Mapping[str, Any]]:
        scorers = list_scorers(arm.plugins, self.options, arm.overrides)
        acting = dict.fromkeys((get_family(task), *arm.plugins, *scorers))
        merged = {name: {**self.options.get(name, {}), **arm.overrides.get(name, {})} for name in acting}
        return {name: options for name, options in merged.items() if options}


def make_plan(asked: BenchRequest) -> BenchPlan:
    """Validate everything and report all faults of the options at once. Raises UsageError or UnknownName."""
    notices: list[str] = []
    source = {**asked.values.get("data", {}), **asked.data}.get("data")
    tasks = tuple(dict.fromkeys(name for selector in asked.tasks for name in select_tasks(selector, source)))
    for name in asked.plugins or ():
        _check_acts(name)
    check_policy(asked.policy)
    layers = collect_layers(asked.policy, asked.preset, {"set by hand": asked.values})
    values = merge_layers(layers)
    named = asked.plugins
    if named is None:
        named = DEFAULT_PLUGINS
        if str(values.get("prm", {}).get("model", "")).lower() in ("", "none"):
            named = tuple(name for name in named if name != "prm")
            if asked.arms != "none":
                notices.append("prm was left out, as no process reward model is named: --set prm.model=PATH adds it.")
    measured = tuple(name for name in named if name not in find_graders(named, values))
    alone = asked.arms == "none" or not measured
    start = make_start_arm(asked.policy, alone, chooses=alone and not asked.extra)
    arms, rungs = build_arms(measured, asked.arms, notices, start)
    arms = (*arms, *parse_arms(asked.extra, taken=[a.name for a in arms]))
    arms = (*arms, *_add_untrained(asked, [a.name for a in arms], notices))
    # A grader whose options are set grades, although no arm names it.
    graders = find_graders([*named, *(name for arm in arms for name in arm.plugins), *asked.values], values)
    graders = tuple(name for name in graders if name not in map(get_family, tasks))  # a task's own is in every arm
    arms = share_graders(arms, graders, notices)
    if any(source.startswith("policy ") for source in layers):
        notices.append(
            f"settings that the policy {asked.policy!r} recommends are used (`openrft settings` lists them)."
        )
    if (about := describe_policy(asked.policy)) and about.task_instruction:
        notices.append(f"the instruction that was found for {asked.policy!r} replaces the task's own.")
    used = list_used_plugins(tasks, arms, values)
    faults = find_unknown_owners(asked.values, used)
    settings, found = parse_stage_settings(values)
    faults += found
    data, found = parse_options(DataRequest, "data", {**values.get("data", {}), **asked.data})
    faults += found
    faults += [f"--seeds: {show_value(seed)} is too large" for seed in asked.seeds if abs(seed) > LARGEST_INTEGER]
    options, found = coerce_options({name: values[name] for name in used if values.get(name)}, used)
    faults += found
    arms, found = coerce_arms(arms, settings, options, "--arm {arm.name}")
    raise_faults(faults + found + check_graders(arms, graders))
    check_weights(arms, options)
    assert data is not None
    plugins = PluginSet(used, options)  # a plugin that does not fit the hooks is refused before any time is spent
    notices += [line for arm in arms for line in _idle(arm, plugins)] + find_partial_graders(arms, options)
    notices += list_plan_notices(tasks, arms, asked.policy, data, {**values.get("data", {}), **asked.data}, plugins)
    if asked.baselines:
        arms = (*arms, *_baselines(tasks, data, taken=[arm.policy or asked.policy for arm in arms]))
    return BenchPlan(tasks, arms, asked.seeds, asked.policy, data, settings, options, rungs, tuple(notices))


def _add_untrained(asked: BenchRequest, taken: Sequence[str], notices: list[str]) -> tuple[Arm, ...]:
    """The arm that is compared with training where the user names no plugins."""
    if (
        asked.plugins is not None
        or asked.arms not in ("ablation", "add-one")
        or UNTRAINED in taken
        or UNTRAINED not in registry.list_plugins()
    ):
        return ()
    notices.append(f"the arm {UNTRAINED} was added: what more completions and a vote reach without training.")
    return (Arm(UNTRAINED, (UNTRAINED,)),)


def make_start_arm(policy: str, alone: bool, chooses: bool) -> Arm:
    """The arm of the policy as it is: vanilla. A policy that OpenRFT trained has the name of its folder. If it stands
    `alone`, without arms that train it further, it is asked with demonstrations where it was trained with them.
    `chooses`: it also chooses its answers from several completions, where its own arm did so. Not beside other arms,
    whose single completions would be compared with that."""
    about = describe_policy(policy)
    if about is None:
        return Arm(VANILLA)
    name = make_file_name(find_policy_folder(policy).resolve().name)[:LONGEST_NAME]
    asking = {**(about.demonstrations if alone else {}), **(about.answering if chooses else {})}
    acting = tuple(plugin for plugin in asking if {"retrieve", "weigh"} & {*load_declaration(plugin).hooks})
    return Arm(name, acting, overrides={plugin: values for plugin, values in asking.items() if values})


def _check_acts(name: str) -> None:
    """Raises UnknownName, or UsageError for a plugin that acts in no arm: it would be measured as worth nothing."""
    find_plugin(name)
    hooks = load_declaration(name).hooks
    if hooks and {*hooks} <= {"tasks", "policies"}:
        option = "--task" if "tasks" in hooks else "--policy"
        raise UsageError(f"--plugins {name}: it has {' and '.join(hooks)} alone.", f"Name it with {option}.")


def _idle(arm: Arm, plugins: PluginSet) -> Iterator[str]:
    """Notices for plugins that cannot act in an arm. They would be measured as worth nothing."""
    for what, hooks, objectives in (
        ("RL", ("augment", "reward"), ("explore", "explore_stage")),
        ("imitation", ("synthesize",), ("imitate",)),
    ):
        trained = {name for objective in objectives for name in plugins.trainers_for(objective)} & {*arm.plugins}
        for name in arm.plugins if not trained else ():
            acts = {hook for hook in ARM_HOOKS if name in plugins.implementing(hook)}
            if acts and acts <= {*hooks}:
                yield f"arm {arm.name}: {name} acts in {what} only, which nothing in the arm does: it changes nothing."
    trainers = {*plugins.trainers_for("explore"), *plugins.trainers_for("explore_stage")} & {*arm.plugins}
    if trainers and not any(plugins.declarations[name].learns_from_rewards for name in trainers):
        for name in arm.plugins:
            if [hook for hook in ARM_HOOKS if name in plugins.implementing(hook)] == ["reward"]:
                yield f"arm {arm.name}: {name} gives rewards, which {min(trainers)} does not use: it changes nothing."


def _apply_overrides(settings: Settings, arm: Arm) -> Settings:
    """The settings with the arm's own values, which were validated when the plan was made."""
    values: Values = {s: {**asdict(getattr(settings, s)), **arm.overrides.get(s, {})} for s in STAGE_SETTINGS}
    found, faults = parse_stage_settings(values)
    raise_faults(faults)
    return found


def check_policy(spec: str) -> None:
    """Refuse a policy that cannot be opened, before any time is spent. Raises UsageError or CheckpointError."""
    if spec.startswith(BASELINE_PREFIX):
        check_baseline_name(spec.removeprefix(BASELINE_PREFIX))
        return
    check_files(spec)
    fingerprint_policy(spec)


def check_weights(arms: Sequence[Arm], options: Mapping[str, Mapping[str, Any]]) -> None:
    """Refuse an option that names weights that do not exist or are not whole, because its arm would fail after others
    ran for hours."""
    for owner, values in (*options.items(), *(item for arm in arms for item in arm.overrides.items())):
        options_class = None if owner in STAGE_SETTINGS else load_declaration(owner).Options
        for name, marker, spec in find_named_paths(options_class, values) if options_class else ():
            if marker.names == "weights":
                try:
                    check_files(spec)
                    fingerprint_policy(spec)
                except OpenRFTError as fault:
                    fault.message = f"{owner}.{name}: {fault.message}"
                    raise


def _baselines(tasks: Sequence[str], data: DataRequest, taken: Sequence[str]) -> list[Arm]:
    """An arm for each rule that answers at least one question of these tasks."""
    names = dict.fromkeys(name for task in tasks for name in list_applicable(load_task(task, data)))
    return [
        Arm(BASELINE_PREFIX + name, policy=BASELINE_PREFIX + name)
        for name in names
        if BASELINE_PREFIX + name not in taken
    ]
