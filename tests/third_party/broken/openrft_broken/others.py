"""A misspelt hook, one without its mark, a reward that raises, one with too few rewards, and declarations."""

import openrft
from openrft import Reward


class Misspelt:
    @openrft.hookimpl
    def rewrad(self, rollouts):
        return []


class Unmarked:
    """Without the check it would be measured as worth nothing."""

    def evaluate(self, rollouts):
        return {"length": 1.0}


class Needy(openrft.Plugin):
    requires = ("rll",)

    @openrft.hookimpl
    def reward(self, rollouts):
        return []


class Raising:
    requires = ("rl",)

    @openrft.hookimpl
    def reward(self, rollouts):
        raise ZeroDivisionError("the scale weighs nothing")


class Miscounting:
    requires = ("rl",)

    @openrft.hookimpl
    def reward(self, rollouts):
        return [Reward("miscounting", "process", per_step=(1.0,))]
