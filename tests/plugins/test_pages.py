"""The tests that the pages for plugin authors show: each is run as it stands there, with the plugins of docs/examples.

What `openrft plugins new` writes is run by tests/scaffold, and the examples themselves by test_examples.py.
"""

from __future__ import annotations

import inspect
import re
from pathlib import Path
from typing import Any

import pytest

from openrft.testing import check_plugin

DOCS = Path(__file__).parents[2] / "docs"
WRITTEN = "Its test, which `openrft plugins new` writes, too:\n\n"
TESTS = [
    pytest.param(block, id=f"{page.stem}-{number}")
    for page in [DOCS / "plugins.md", *sorted(DOCS.glob("plugins/*.md"))]
    for number, (before, block) in enumerate(
        re.findall(rf"({re.escape(WRITTEN)})?^```python\n(.*?)^```$", page.read_text("utf-8"), re.M | re.S)
    )
    if "def test_" in block and not before
]


pytestmark = pytest.mark.usefixtures("example_plugins")


@pytest.mark.parametrize("block", TESTS)
def test_a_test_of_a_page_passes(block: str, request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(DOCS / "examples")
    names: dict[str, Any] = {}
    exec(compile(block, "page", "exec"), names)
    found = [function for name, function in names.items() if name.startswith("test_")]
    assert found
    for function in found:
        if conformance := [mark for mark in getattr(function, "pytestmark", ()) if mark.name == "openrft_plugin"]:
            assert check_plugin(*conformance[0].args, **conformance[0].kwargs)  # the fixture: tests/testing
            continue
        function(**{name: request.getfixturevalue(name) for name in inspect.signature(function).parameters})
