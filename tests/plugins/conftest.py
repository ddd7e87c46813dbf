"""The plugins of docs/examples, as if they were installed."""

from __future__ import annotations

import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest

from openrft.testing import use_plugins

EXAMPLES = Path(__file__).parents[2] / "docs" / "examples"


@pytest.fixture
def example_plugins(monkeypatch: pytest.MonkeyPatch) -> Iterator[dict[str, str]]:
    """The classes that the examples' entry points name count as installed plugins. Gives the entry points."""
    monkeypatch.syspath_prepend(str(EXAMPLES))
    project = tomllib.loads((EXAMPLES / "pyproject.toml").read_text("utf-8"))["project"]
    entries: dict[str, str] = project["entry-points"]["openrft"]
    parts = {name: entry.split(":") for name, entry in entries.items()}
    with use_plugins({name: getattr(__import__(module), kind) for name, (module, kind) in parts.items()}):
        yield entries
    for module, _ in parts.values():
        sys.modules.pop(module)
