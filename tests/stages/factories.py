"""A run of RL without a model: a scripted policy that can be told to train, plugins made on the spot."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from importlib.metadata import EntryPoint
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import openrft
from openrft import Completion, Demonstration, Reward
from openrft.config.settings import EvaluateSettings, ExploreSettings, Settings
from openrft.job import Arm, Job
from openrft.plugins.hookspecs import GROUP
from openrft.plugins.manager import PluginSet
from openrft.plugins.registry import InstalledPlugin
from openrft.runtime.progress import NoProgress
from openrft.runtime.store import Store
from openrft.stages.context import JobContext
from openrft.stages.explore import explore
from openrft.tasks.prompt import box_answer
from openrft.testing import ScriptedPolicy, toy_task

TASK = toy_task(12, 2)


class Trainee(ScriptedPolicy):
    """Answers as the script says; what was saved of it is how often it was trained."""

    def __init__(self, script: Callable[[Any, int], str], finish: str = "stop", logprob: float = -1.0) -> None:
        super().__init__(script)
        self.model = SimpleNamespace(parameters=lambda: [], device=SimpleNamespace(type="cpu"))
        self.critic = None
        self.finish_reason, self.logprob, self.trained, self.drawn = finish, logprob, 0, []

    def encode_target(self, text: str) -> list[int]:
        return list(text.encode())

    def attach_lora(self, rank: int, alpha: int, seed: int) -> None: ...

    def generate(self, prompts: Any, sampling: Any, progress: Any = None) -> list[list[Completion]]:
        self.drawn.append((sampling.seed, [p[-1]["content"] for p in prompts]))
        return [
            [
                Completion(c.text, c.tokens, (self.logprob,) * len(c.tokens), self.finish_reason)  # type: ignore[arg-type]
                for c in group
            ]
            for group in super().generate(prompts, sampling)
        ]

    def save_adapter(self, folder: Path) -> None:
        folder.mkdir(exist_ok=True)
        (folder / "adapter.txt").write_text(str(self.trained))

    def save_training_state(self, folder: Path) -> None:
        (folder / "trained.txt").write_text(str(self.trained))

    def load_training_state(self, folder: Path) -> None:
        self.trained = int((folder / "trained.txt").read_text())


class Trainer:
    """Trains by counting; says what it is told to say."""

    trains = ("explore",)

    def __init__(
        self, dynamic_sampling_retries: int = 0, says: Callable[[int], Mapping[str, float]] = lambda step: {"loss": 0.5}
    ) -> None:
        self.dynamic_sampling_retries, self.says, self.shown = dynamic_sampling_retries, says, []

    @openrft.hookimpl
    def train_step(self, policy: Any, rollouts: Any, step: int) -> Mapping[str, float]:
        policy.trained += 1
        self.shown.append([r.sample.id for r in rollouts])
        return self.says(step)


def class_of(instance: Any) -> type[Any]:
    """A plugin class of which this is the only instance."""
    return type(type(instance).__name__, (type(instance),), {"__new__": lambda cls: instance})


def make_context(
    monkeypatch: Any,
    store: Path,
    policy: Trainee,
    steps: int = 3,
    prompts_per_step: int = 4,
    reading: openrft.Reading = "strict",
    **plugins: Any,
) -> JobContext:
    """One job whose plugins are these objects."""
    entries = {name: EntryPoint(name, "nowhere", GROUP) for name in plugins}
    here = {name: InstalledPlugin(name, f"openrft-{name}", "1.0", "", entry) for name, entry in entries.items()}
    monkeypatch.setattr("openrft.plugins.registry.list_plugins", lambda: here)
    for module in ("registry", "manager"):
        monkeypatch.setattr(f"openrft.plugins.{module}.load_plugin_class", lambda name: class_of(plugins[name]))
    monkeypatch.setattr("openrft.plugins.manager.digest_plugin_source", lambda name: "")
    settings = Settings(
        explore=ExploreSettings(
            steps=steps, prompts_per_step=prompts_per_step, group_size=2, max_tokens=9, reading=reading
        ),
        evaluate=EvaluateSettings(),
    )
    job = Job(Arm("arm", tuple(plugins)), "toy/sums", 0, "scripted", settings=settings)
    handle: Any = SimpleNamespace(
        load_seconds=0.0, id="scripted", load_trainable=lambda purpose: policy, add_adapter=lambda adapter, key: None
    )
    return JobContext(job, TASK, PluginSet(plugins, {}), handle, Store(store), NoProgress())


def run_explore(
    context: JobContext, pool: Sequence[Demonstration] = ()
) -> tuple[list[dict[str, Any]], Mapping[str, int]]:
    """The rows of the metrics, and what was counted."""
    file = explore(context, TASK.train, pool)
    assert file is not None
    return [json.loads(line) for line in file.read_text().splitlines()], context.stage_records[-1].counts


def half_right(messages, i):
    """One of a group's two completions is right."""
    sample = next(s for s in TASK.train if s.question in messages[-1]["content"])
    return f"so\n{box_answer(sample.answer)}" if i == 0 else "so\nwell"


def always_wrong(messages, i):
    return "so\nwell"


def some_teach(messages, i):
    """Of the twelve questions, those with an even first number teach."""
    number = int(messages[-1]["content"].split()[2])
    return half_right(messages, i) if number % 2 == 0 else always_wrong(messages, i)


class Judge:
    """Gives what it is told to give."""

    def __init__(self, gives):
        self.gives = gives

    @openrft.hookimpl
    def reward(self, rollouts, step):
        return self.gives(rollouts)


def outcome(score):
    return lambda rollouts: [Reward("judge", "outcome", score) for _ in rollouts]


def untimed(rows):
    return [{k: v for k, v in row.items() if not k.startswith(("seconds", "peak"))} for row in rows]
