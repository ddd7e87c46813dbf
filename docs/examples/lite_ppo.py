"""An RL algorithm as a row: Lite PPO (arXiv 2508.08221). The update is that of openrft-rl, and so are its options."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar, Literal

from openrft_rl import RL, Algorithm, RLOptions

import openrft

ROWS = {
    # A reward less its group's mean, over the batch's standard deviation; every token of the batch counts alike.
    "lite_ppo": Algorithm(baseline="group", scale_rewards="batch", loss_agg_mode="token-mean"),
}


@dataclass(frozen=True, slots=True)
class Options(RLOptions):
    """Those of `rl`, with a table of our own."""

    rows: ClassVar[Mapping[str, Algorithm]] = ROWS
    algorithm: Literal["lite_ppo"] = openrft.option(  # type: ignore[assignment]  # other names than those of `rl`
        "lite_ppo", help="The RL algorithm: a row of the table."
    )


class LitePPO(RL):
    """Takes the place of `rl` in an arm."""

    replaces = ("rl",)
    Options = Options
