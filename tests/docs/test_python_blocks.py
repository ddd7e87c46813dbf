"""Every Python block of the documents is Python. tests/plugins/test_pages.py runs the tests on pages for authors."""

from __future__ import annotations

import ast
import re
import textwrap
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
BLOCKS = [
    pytest.param(block, id=f"{document.relative_to(ROOT)}-block{number}")
    for document in [*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md"), *ROOT.glob("plugins/*/README.md")]
    for number, block in enumerate(re.findall(r"^```python\n(.*?)^```$", document.read_text("utf-8"), re.M | re.S))
]


@pytest.mark.parametrize("block", BLOCKS)
def test_a_block_is_python(block: str) -> None:
    assert ast.parse(textwrap.dedent(block)).body
