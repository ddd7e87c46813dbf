"""`best-of-n` with the reward of another plugin: what it makes of the scores, and which plugins are refused."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from openrft import (
    Candidates,
    Completion,
    NoProgress,
    OpenRFTError,
    Plugin,
    PluginError,
    PolicyError,
    Question,
    Reward,
    UsageError,
    hookimpl,
)
from openrft.plugins.manager import PluginSet
from openrft.stages.choose import call_weigh_hook
from openrft.stages.context import StageStats
from openrft.testing import toy_task, use_plugins

QUESTION = Question("Which is densest?", ("iron", "osmium"))
TEXTS = ("a", "ab\nabc", "abcd")


def make_plugin(score: Callable[[Any], Any], **declared: Any) -> type[Plugin]:
    """A plugin whose reward is a function of the rollout."""

    @hookimpl
    def reward(self: Any, rollouts: Any) -> list[Reward | None]:
        return [score(rollout) for rollout in rollouts]

    return type(
        "Mine", (Plugin,), {"rewards": ("outcome", "process"), "needs_gold": False, "reward": reward, **declared}
    )


def weigh(plugin: type[Plugin], **options: Any) -> list[float]:
    with use_plugins({"mine": plugin}):
        plugins = PluginSet(["best-of-n"], {"best-of-n": {"reward": "mine", **options}})
        drawn = Candidates(QUESTION, ({"role": "user", "content": "?"},), tuple(map(Completion, TEXTS)))
        (weights,) = call_weigh_hook(plugins, [drawn], toy_task(), NoProgress(), StageStats())
    return weights


def outcome(value: Callable[[Any], float]) -> Callable[[Any], Reward]:
    return lambda rollout: Reward("mine", "outcome", value(rollout))


def test_scores_are_weights():
    assert weigh(make_plugin(outcome(lambda r: float(len(r.completion.text))))) == [1.0, 6.0, 4.0]
    per_step = make_plugin(
        lambda r: Reward("mine", "process", None, tuple(0.1 * len(s) for s in r.completion.text.split("\n")))
    )
    assert weigh(per_step, aggregation="mean") == pytest.approx([0.1, 0.25, 0.4])


def test_scores_below_zero_keep_their_order_and_do_not_vote():
    shorter = make_plugin(outcome(lambda r: -float(len(r.completion.text))))
    assert weigh(shorter) == pytest.approx([1 / 4, 1 / 14, 1 / 10])  # (1 + s / (1 + |s|)) / 2
    with pytest.raises(UsageError, match="mine gave the score -6, and a vote weighs from 0 up"):
        weigh(shorter, rule="vote")


def test_what_a_reward_sees_has_no_gold_answer():
    seen: list[Any] = []
    plugin = make_plugin(lambda r: seen.append(r) or Reward("mine", "outcome", 1.0))
    weigh(plugin)
    assert {(r.sample.question, r.sample.options, r.correct, len(r.sample.meta)) for r in seen} == {
        (QUESTION.text, QUESTION.options, None, 0)
    }
    assert len({r.sample for r in seen}) == 1
    for name in ("answer", "gold", "accepted"):
        with pytest.raises(PluginError, match=rf"'mine'.* in reward: it reads the gold answer \(Sample.{name}\)"):
            weigh(make_plugin(outcome(lambda r, name=name: float(bool(getattr(r.sample, name))))))


def test_a_failed_reward_is_no_score():
    failing = make_plugin(lambda r: None if r.completion.text == "a" else Reward("mine", "outcome", 1.0))
    with pytest.raises(PolicyError, match="mine could not score 1 of 3 completions"):
        weigh(failing)


@pytest.mark.parametrize(
    ("reward", "words"),
    [
        ("placebo", "best-of-n.reward=placebo: its rewards may depend on the gold answer"),
        ("sft", "best-of-n.reward=sft: sft gives no rewards"),
        ("prn", "best-of-n.reward: unknown plugin: 'prn'. Did you mean prm"),
        ("prm", "prm: no process reward model is named"),
        ("graders", "graders gives no rewards with these options"),
    ],
)
def test_a_plugin_that_cannot_score_is_refused_before_anything_runs(reward, words):
    with pytest.raises(OpenRFTError) as caught:
        PluginSet(["best-of-n"], {"best-of-n": {"reward": reward}})
    assert words in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_plan_may_set_the_options_of_the_plugin_that_scores():
    from openrft.bench.plan import BenchRequest, make_plan

    values = {"best-of-n": {"reward": "prm"}, "prm": {"model": "pocket/prm"}}
    plan = make_plan(BenchRequest(arms="none", extra=("best=best-of-n",), values=values))
    (_, best) = plan.jobs()
    assert best.options["prm"] == {"model": "pocket/prm"}
    assert "rl" not in best.arm.plugins
