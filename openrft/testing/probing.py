"""Find out whether a plugin rewards answers that are not right."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from openrft.config.settings import ExploreSettings
from openrft.plugins.manager import PluginSet
from openrft.rewards.probed_reward import describe_probed_reward
from openrft.runtime.progress import NoProgress
from openrft.stages.context import StageStats
from openrft.stages.grade import call_grade_hooks
from openrft.stages.probe import collect_scores, pair_with_names, write_probes
from openrft.stages.reward import BEFORE_RL, call_reward_hooks, combine_rewards
from openrft.tasks.task import Task
from openrft.testing.toys import toy_task


def probe_plugin(name: str, options: Mapping[str, Any] | None = None, task: Task | None = None) -> list[str]:
    """One sentence for each kind of wrong answer that a plugin rewards or grades as right; empty if there is none.

    The plugin is given probes (answers that are empty, list all options, are very long and wrong, ...) to eight
    training questions of `task` (by default the toy task), as before every RL run. Tokens are the bytes of a text.
    """
    from openrft.rewards.probe_statistics import compute_probed_reward

    plugins, asked = PluginSet([name], {name: dict(options or {})}), replace(task or toy_task(), test=())
    names, written = write_probes(asked, asked.train[:8], 512, 0, lambda text: tuple(text.encode()))
    graded = call_grade_hooks(plugins, written, asked, NoProgress(), StageStats())
    given = call_reward_hooks(plugins, graded, asked, BEFORE_RL, 0, StageStats())
    scores = collect_scores(pair_with_names(names, combine_rewards(ExploreSettings(), graded, given)))
    found = (compute_probed_reward(source, "none", sorts) for source, sorts in scores.items())
    return [sentence for source in found for sentence in describe_probed_reward(source)]
