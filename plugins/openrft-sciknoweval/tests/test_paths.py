"""Paths that users type in options, variables and commands."""

from __future__ import annotations

from pathlib import Path

import pytest
from openrft_sciknoweval import SciKnowEval

from openrft import DataRequest, OpenRFTError, UsageError
from openrft.plugins.task_registry import load_task, select_tasks

IMPOSSIBLE = ("x" * 300, "x/" * 3000, "~nosuchuser/x")


@pytest.mark.parametrize("path", IMPOSSIBLE)
def test_paths_that_cannot_be_are_refused_with_their_option(
    path: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(UsageError, match="--data "):
        select_tasks("sciknoweval/L3", path)
    with pytest.raises(UsageError, match="--data "):
        load_task("sciknoweval/L3", DataRequest(data=path))
    family = SciKnowEval().tasks()
    with pytest.raises(UsageError, match="--from "):
        family.prepare(path, tmp_path / "store", False, None)
    with pytest.raises(UsageError, match="--to "):
        family.prepare(str(tmp_path), Path(path), False, None)
    for option in ("judge", "similarity", "verdicts"):
        with pytest.raises(OpenRFTError, match=f"sciknoweval.{option}=") as refused:
            SciKnowEval(SciKnowEval.Options(**{option: path}))  # type: ignore[arg-type]
        assert refused.value.exit_code == 2
    monkeypatch.setenv("OPENRFT_SCIKNOWEVAL_DATA", path)
    with pytest.raises(UsageError, match="OPENRFT_SCIKNOWEVAL_DATA="):
        load_task("sciknoweval/L3", DataRequest())
    assert family.names()  # a listing does not fail for a variable that is set wrong
