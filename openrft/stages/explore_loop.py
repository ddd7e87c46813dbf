"""One run of RL: the prompts, rewards, metrics and checkpoints of its steps.

The core's own loop (explore.py) uses it, and so does a plugin that runs the whole stage (`openrft.Exploration`). Both
have the same questions, prompts, grader, rewards, log and checkpoints.
"""

from __future__ import annotations

import logging
import math
import time
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from openrft.errors import OpenRFTError, PluginError
from openrft.grading.thinking import is_cut_off_thinking
from openrft.plugins.errors import check_result
from openrft.plugins.hookspecs import HookResult
from openrft.policies.base import Sampling, TrainablePolicy
from openrft.runtime.process_memory import read_peak_bytes
from openrft.runtime.progress import Progress
from openrft.runtime.seeds import derive_seed
from openrft.runtime.tracking import Log
from openrft.stages.context import JobContext, StageStats
from openrft.stages.draw import draw_questions
from openrft.stages.grade import grade_rollouts
from openrft.stages.holdback import HeldBackMetrics, answer_held_back
from openrft.stages.retrieve import build_prompts, draw_demonstrated, retrieve_demonstrations
from openrft.stages.reward import reward_rollouts
from openrft.stages.rl_metrics import (
    FIRST_COMPLETIONS,
    compute_step_metrics,
    count_first_answers,
    count_taught_steps,
    describe_start,
    has_no_learning_signal,
    is_blank,
)
from openrft.stages.training_log import TrainingLog, choose_kept_steps
from openrft.types import JSON, Demonstration, Prompt, Rollout, Sample

logger = logging.getLogger(__name__)

EXPLODED = 1e3  # a larger loss means that training has gone wrong, because advantages are of the order of 1


@dataclass(slots=True)
class ExploreLoop:
    """See `openrft.Exploration` for what plugins may use."""

    context: JobContext
    policy: TrainablePolicy
    train: Sequence[Sample]
    pool: Sequence[Demonstration]
    training_log: TrainingLog
    stats: StageStats
    trainers: Sequence[str]  # the plugins that train
    held_back: Sequence[Sample] = ()  # questions that are answered and not trained on
    first: int = 0
    log: Log = lambda row: None
    _clock: dict[str, float] = field(default_factory=lambda: defaultdict(float))  # seconds of this step, by phase
    _lapped: float = field(default_factory=time.perf_counter)
    _of_held_back: HeldBackMetrics = field(default_factory=HeldBackMetrics)  # of this step

    def restore(self) -> None:
        """Restore the newest checkpoint and set `first` to its step."""
        self.first, states = self.training_log.restore(self.policy, self.stats)
        self.context.plugins.states = dict(states)
        self._lapped = time.perf_counter()

    @property
    def steps(self) -> int:
        return self.context.job.settings.explore.steps

    @property
    def dynamic_sampling_retries(self) -> int:
        """How often a step may draw further questions in place of those whose rewards are all equal."""
        return max(self.context.plugins.declarations[name].dynamic_sampling_retries for name in self.trainers)

    @property
    def learns_from_rewards(self) -> bool:
        """Whether a plugin that trains uses the rewards."""
        return any(self.context.plugins.declarations[name].learns_from_rewards for name in self.trainers)

    def sampling(self, step: int, *again: object) -> Sampling:
        how = self.context.job.settings.explore
        seed = derive_seed(self.context.job.seed, "explore", step, *again)
        return Sampling(n=how.group_size, temperature=how.temperature, max_tokens=how.max_tokens, seed=seed)

    def draw_prompts(self, step: int) -> list[Prompt]:
        return self.build_prompts(draw_questions(self.context, self.train, step, self.stats), step)

    def build_prompts(self, questions: Sequence[Sample], step: int) -> list[Prompt]:
        """The prompt of each question of a step, with its demonstrations before it, if it has any."""
        shown = draw_demonstrated(self.context, questions, step)
        asked = [question for question, has_some in zip(questions, shown, strict=True) if has_some]
        found = iter(retrieve_demonstrations(self.context, asked, self.pool, self.stats) if asked else [])
        return build_prompts(self.context, questions, [next(found) if has_some else [] for has_some in shown])

    def score_rollouts(self, step: int, rollouts: Sequence[Rollout], *again: object) -> list[Rollout]:
        self._lap("rollout")
        if self.held_back and not again and step % self.context.job.settings.explore.holdback_every == 0:
            asked = self.build_prompts(self.held_back, step)
            self._of_held_back = answer_held_back(self.context, self.policy, asked, step, self.stats, self.within(step))
            self._lap("holdback")
        _refuse_nonsense(step, rollouts)
        kept = [r for r in rollouts if r.completion.is_written]
        failed = sum(r.completion.finish_reason == "error" for r in rollouts)
        self.stats.count("over_context", len(rollouts) - len(kept) - failed)
        self.stats.count("failed_requests", failed)
        if not (kept or again):
            raise OpenRFTError(
                f"step {step}: every prompt is longer than the policy's context.",
                "Use fewer demonstrations, or a policy with a longer context.",
            )
        scored = reward_rollouts(self.context, grade_rollouts(self.context, kept, self.stats), step, self.stats, *again)
        unread = (f"{name}.steps_beyond_context" for name in self.context.plugins.rewarding("process"))
        self.stats.counts["unread_steps"] = sum(self.stats.counts.get(count, 0) for count in unread)
        self._watch_first_answers(scored)
        self._lap("reward")
        return scored

    def _watch_first_answers(self, scored: Sequence[Rollout]) -> None:
        """Count what the answers of the first steps are like, and warn before training if that teaches nothing, or if
        the steps that were imitated are gone."""
        how = self.context.job.settings.explore
        enough = min(FIRST_COMPLETIONS, how.steps * how.prompts_per_step * how.group_size)
        if self.stats.counts.get("first_completions", 0) >= enough or not self.learns_from_rewards:
            return
        self.stats.counts["taught_steps"] = count_taught_steps(self.pool)
        for name, n in count_first_answers(scored).items():
            self.stats.count(name, n)
        if self.stats.counts["first_completions"] >= enough:
            for why in describe_start(self.stats.counts):
                logger.warning("%s: %s.", ", ".join(self.trainers), why)

    def log_step(
        self, step: int, rollouts: Sequence[Rollout], metrics: Mapping[str, float], state: JSON = None
    ) -> None:
        self._lap("train")
        self._refuse_infinite(step, metrics)
        if state is not None:
            name = self.trainers[0]  # a plugin that runs the whole stage is the only one
            self.context.plugins.states[name] = check_result(name, "train_step", HookResult(metrics, state=state)).state
        seconds = {f"seconds.{phase}": self._clock[phase] for phase in ("rollout", "reward", "train")}
        if self.held_back:
            seconds["seconds.holdback"] = self._clock["holdback"]
        tokens = sum(len(r.completion.tokens) for r in rollouts) + self._of_held_back.tokens
        means = {**compute_step_metrics(rollouts), **self._of_held_back.metrics}
        drawing = getattr(self.policy, "sampling_metrics", {})  # not every policy has them
        row = {"step": step, **means, "tokens": tokens, **seconds, **drawing, **self.stats.metrics, **metrics}
        if peak := read_peak_bytes(self.policy.model.device):
            row["peak_memory_gb"] = peak / 1e9
        self._of_held_back = HeldBackMetrics()
        if self.context.plugins.implementing("retrieve"):
            row["with_demonstrations"] = sum(bool(r.demonstration_ids) for r in rollouts) / max(1, len(rollouts))
        self.stats.metrics.clear()  # what plugins measured in this step
        self._count(rollouts, row)
        self.training_log.write(row)
        if step in choose_kept_steps(self.steps, self.context.job.settings.explore.kept_steps):
            self.training_log.write_rollouts(step, rollouts)
        self.log(row)
        right = f"correct {row['correct']:.2f}"
        if row["lenient_correct"] > row["correct"]:
            right += f" ({row['lenient_correct']:.2f} in the lenient reading)"
        note = f"reward {row['reward']:.2f}, {right}, {sum(seconds.values()):.1f} s per step"
        self.context.progress.update("explore", step + 1, self.steps, note)
        if (step + 1) % self.context.job.settings.explore.checkpoint_every == 0 or step + 1 == self.steps:
            self.training_log.save(step + 1, self.policy, self.stats, self.context.plugins.states)
        self._clock.clear()
        self._lapped = time.perf_counter()

    def _refuse_infinite(self, step: int, metrics: Mapping[str, float]) -> None:
        """Raise if a metric or a trained weight is not finite. Called before anything is saved."""
        broken = [f"{name} is {value}" for name, value in metrics.items() if not math.isfinite(value)]
        critic = self.policy.critic
        trained = [p for p in self.policy.model.parameters() if p.requires_grad]
        if not all(bool(p.isfinite().all()) for p in (*trained, *(critic.parameters() if critic else ()))):
            broken.append("the trained weights are not all finite")
        if broken:
            raise PluginError(
                f"{', '.join(self.trainers)}: after step {step} {' and '.join(broken)}.",
                "Lower the learning rate: the same settings would fail again.",
            )

    def _count(self, rollouts: Sequence[Rollout], row: Mapping[str, float]) -> None:
        """Add up the counts that the report warns of."""
        self.stats.tokens += int(row["tokens"])
        self.stats.count("completions", len(rollouts))
        self.stats.count("cut_off", sum(r.completion.finish_reason == "length" for r in rollouts))
        self.stats.count("cut_off_thinking", sum(is_cut_off_thinking(r.completion) for r in rollouts))
        self.stats.count("blank", sum(map(is_blank, rollouts)))
        self.stats.count("idle_steps", int(self.learns_from_rewards and has_no_learning_signal(rollouts, row)))
        self.stats.count("exploded_steps", int(abs(row.get("loss", 0.0)) > EXPLODED))

    def within(self, step: int) -> Progress:
        """A progress that reports work inside a step."""
        return _Within(self.context.progress, step, self.steps)

    def _lap(self, phase: str) -> None:
        now = time.perf_counter()
        self._clock[phase] += now - self._lapped
        self._lapped = now


@dataclass(frozen=True, slots=True)
class _Within:
    """Reports work inside a step as a note, so that the progress over steps stays visible."""

    steps_told: Progress
    step: int
    steps: int

    def update(self, stage: str, done: int, total: int, note: str = "") -> None:
        """See `openrft.Progress`."""
        self.steps_told.update("explore", self.step, self.steps, f"{stage} {done} of {total} {note}".rstrip())


def _refuse_nonsense(step: int, rollouts: Sequence[Rollout]) -> None:
    """Refuse rollouts of a policy whose weights are not finite. It still draws tokens, but they mean nothing."""
    for rollout in rollouts:
        if not all(map(math.isfinite, rollout.completion.logprobs)):
            raise OpenRFTError(
                f"step {step}: the policy's probabilities are no longer finite (sample {rollout.sample.id}).",
                "An earlier step broke its weights: lower the learning rate.",
            )
