"""A misspelt hook, a reward that raises, and one that returns too few rewards."""

import openrft
from openrft import Reward


class Misspelt:
    @openrft.hookimpl
    def rewrad(self, rollouts):
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
