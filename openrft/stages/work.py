"""How much work a stage has: the completions that it draws, or the questions that it goes through.

A stage's seconds and tokens are kept with its result, beside its amount of work, so that the cost of the next one can
be told before it starts.
"""

from __future__ import annotations

import math

from openrft.config.settings import Settings
from openrft.plugins.manager import PluginSet
from openrft.tasks.task import Task

# Stages whose work is counted in completions.
DRAWING = ("fitness", "check_reward", "explore", "evaluate")


def count_completions_per_answer(plugins: PluginSet) -> int:
    """How many completions a plugin makes one test answer of; 1 without such a plugin."""
    return max((plugins.declarations[name].completions_per_answer for name in plugins.implementing("weigh")), default=1)


def count_draws(plugins: PluginSet, completions: int) -> int:
    """How many completions are drawn for each test question: `completions`, rounded up to whole answers where a plugin
    makes one answer of several."""
    size = count_completions_per_answer(plugins)
    return math.ceil(completions / size) * size


def count_calls(stage: str, settings: Settings) -> int:
    """The batches that the work comes in: the steps of RL, and 1 for any other stage."""
    return settings.explore.steps if stage == "explore" else 1


def count_work(stage: str, settings: Settings, task: Task, plugins: PluginSet) -> int:
    """The completions of a stage that draws a known number of them; of any other, the questions that it is given."""
    train = len(task.train)
    if stage == "evaluate":
        return len(task.test) * count_draws(plugins, settings.evaluate.completions)
    if stage == "explore":
        how = settings.explore
        held_back = math.ceil(how.steps / how.holdback_every) * how.holdback
        return how.steps * min(how.prompts_per_step, train - how.holdback) * how.group_size + held_back
    asked = min(settings.fitness.questions, train)
    if stage == "fitness":
        return asked * settings.fitness.completions
    if stage == "check_reward":
        return asked
    return min(settings.explore.probes, train) if stage == "probe" else train
