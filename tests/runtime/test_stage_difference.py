"""A stage that is missing because the code changed says so."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from openrft.errors import StoreError
from openrft.runtime.store import Store


def describe(core: str = "a", torch: str = "2.13.0", sft: str = "b", lr: float = 1.0, seed: int = 0) -> dict[str, Any]:
    """Inputs as a stage has them."""
    plugins = [("sft", "0.1.0", sft, {}, {"lr": lr})]
    return {"seed": seed, "core": ["0.1.0", core, {"torch": torch}], "family": [], "plugins": plugins}


def ask(root: Path, inputs: dict[str, Any]) -> str:
    """What a store that may only read says of a missing stage."""
    with pytest.raises(StoreError, match="does not hold the stage 'imitate'") as caught:
        Store(root, only_read=True).result("imitate", inputs, lambda folder: pytest.fail(str(folder)))
    return str(caught.value.advice)


def test_what_changed_since_is_named(tmp_path: Path) -> None:
    again = "Give the command that made the run again: it repeats only what is missing."
    assert ask(tmp_path, describe()) == again
    Store(tmp_path).result("imitate", describe(), lambda folder: None)
    changed = "Since the run, this changed: "
    assert ask(tmp_path, describe(sft="c")) == f"{changed}the code of sft. {again}"
    assert ask(tmp_path, describe(core="z", sft="c")) == f"{changed}the code of openrft, the code of sft. {again}"
    assert ask(tmp_path, describe(torch="2.14.0")) == (
        f"{changed}what openrft runs on (torch 2.13.0 to 2.14.0). {again}"
    )
    assert ask(tmp_path, describe(core="z", torch="2.14.0")) == (
        f"{changed}the code of openrft, what openrft runs on (torch 2.13.0 to 2.14.0). {again}"
    )
    assert ask(tmp_path, describe() | {"version": 2}) == f"{changed}the code of openrft. {again}"
    gone = describe() | {"core": ["0.1.0", "a", {}]}
    assert ask(tmp_path, gone) == f"{changed}what openrft runs on (torch 2.13.0 to none). {again}"
    assert ask(tmp_path, describe(lr=2.0)) == again  # another option: another stage, and not the same one grown old
    assert ask(tmp_path, describe(seed=1, sft="c")) == again
    stored = next(tmp_path.glob("imitate/*/inputs.json"))
    for damaged in ("{", "[]", '{"plugins": [["sft"]]}', '{"core": 1}'):
        stored.write_text(damaged, "utf-8")
        assert ask(tmp_path, describe(sft="c")) == again


def test_a_result_that_was_not_finished_explains_nothing(tmp_path: Path) -> None:
    Store(tmp_path).result("imitate", describe(), lambda folder: None)
    (finished,) = tmp_path.glob("imitate/*/inputs.json")
    finished.parent.rename(finished.parent.with_suffix(".part"))
    assert ask(tmp_path, describe()).startswith("Give the command")
