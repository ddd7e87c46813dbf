"""What an algorithm's row decides, what an option overrides, and what is refused."""

from __future__ import annotations

import pytest
from openrft_rl import RL

from openrft import UsageError
from openrft.testing import build_options


def test_an_option_overrides_the_algorithms_row():
    assert [RL(RL.Options(algorithm=name)).dynamic_sampling_retries for name in ("grpo", "dapo")] == [0, 10]
    assert RL(RL.Options(dynamic_sampling_retries=3)).dynamic_sampling_retries == 3
    assert RL(RL.Options(algorithm="dapo", dynamic_sampling_retries=0)).dynamic_sampling_retries == 0
    assert RL.Options(algorithm="dapo").clip_ratio == (0.2, 0.28)
    assert RL.Options(algorithm="dapo", clip_ratio_high=0.5).clip_ratio == (0.2, 0.5)


@pytest.mark.parametrize(
    "bad",
    [
        {"lr": 0},
        {"kl_coef": -1},
        {"clip_ratio_low": 1.0},
        {"kl_target": 1.0, "kl_coef": 0.0},
        {"gamma": 2},
        {"dynamic_sampling_retries": -1},
        {"updates_per_epoch": 0},
        {"loss_divisor": 100, "algorithm": "grpo"},
    ],
)
def test_options_out_of_range_are_refused(bad):
    with pytest.raises(UsageError, match=next(iter(bad))):
        build_options(RL.Options, bad)
