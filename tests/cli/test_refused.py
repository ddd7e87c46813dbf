"""What cannot be run is refused when it is typed, before any time is spent: one error, with its exit code."""

from __future__ import annotations

from pathlib import Path

import pytest
from click.testing import CliRunner

from openrft.cli import cli
from openrft.errors import OpenRFTError


@pytest.fixture(autouse=True)
def _own_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def refused(*arguments: str) -> str:
    """What a command that must not run says; an error that is no OpenRFTError would be shown as a fault of ours."""
    with pytest.raises(OpenRFTError) as caught:
        CliRunner().invoke(cli, arguments, catch_exceptions=False, standalone_mode=False)
    assert caught.value.exit_code == 2
    return str(caught.value)


def test_a_config_that_is_no_text_is_named(tmp_path: Path) -> None:
    (tmp_path / "c.toml").write_bytes(b"\xff\xfe")
    assert "--config c.toml: not TOML in UTF-8" in refused(
        "bench", "--plugins", "rl", "--config", "c.toml", "--dry-run"
    )


@pytest.mark.parametrize(
    ("config", "said"),
    [
        ("[explore]\nsteps = inf", "explore.steps: inf is not a whole number"),
        ("[explore]\ntemperature = nan", "explore.temperature: nan is not a finite number"),
        ("[rl]\nlr = nan", "rl.lr: nan is not a finite number"),
        ("[evaluate]\ntop_p = 7", "evaluate: top_p 7.0 is not above 0 and at most 1"),
        ("[data]\ntest = 0", "data: train and test must be at least 1"),
    ],
)
def test_a_number_out_of_range_is_refused(config: str, said: str, tmp_path: Path) -> None:
    (tmp_path / "c.toml").write_text(config)
    assert said in refused("bench", "--task", "pocket/L3", "--plugins", "rl", "--config", "c.toml", "--dry-run")


def test_what_plugins_refuse_is_reported_with_the_other_faults() -> None:
    wrong = ("sft.rank=0", "teacher.tries=0", "da.n=0", "icl.k=0", "explore.steps=0")
    said = refused("bench", "--dry-run", *(part for pair in wrong for part in ("--set", pair)))
    for word in ("5 faults", "rank is 0", "tries is 0", "n is 0", "k must be at least 1", "steps, prompts"):
        assert word in said
