"""A stage's key depends on the code that the stage can reach, and on what that code does alone."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from openrft.runtime.code_digest import CORE, digest_source, find_imports, list_reachable

FACE = """
from typing import TYPE_CHECKING
if TYPE_CHECKING:
    from core.answers import grade as grade
"""
FILES = {
    "__init__.py": FACE,
    "answers.py": "from core.text import clean",
    "text.py": "import re",
    "policies/__init__.py": "",
    "policies/open.py": "def open_policy():\n    from core.policies.hf import HF",
    "policies/hf.py": "from . import base",
    "policies/base.py": "",
    "stages/__init__.py": "",
    "stages/train.py": "import typing\nfrom core.policies import open\n"
    "if typing.TYPE_CHECKING:\n    import core.report\n",
    "report.py": "",
}


@pytest.fixture
def core(tmp_path: Path) -> Path:
    for name, text in FILES.items():
        file = tmp_path / "core" / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)
    return tmp_path / "core"


def test_what_a_module_imports_anywhere_but_for_type_checkers_is_reachable(core):
    assert list(list_reachable(["core.stages.train"], core)) == [
        *("core.policies", "core.policies.base", "core.policies.hf", "core.policies.open"),
        *("core.stages", "core.stages.train"),
    ]


@pytest.mark.parametrize(
    "source",
    [
        "from core import grade",
        "import core\ncore.grade('4')",
        "import core as harness\nharness.grade('4')",
        "import core.answers",
        "from importlib import import_module\nimport_module('core.answers')",
    ],
)
def test_a_name_of_the_public_face_leads_to_its_module(core, source):
    imported = find_imports(source.encode(), "plugin", core)
    assert list(list_reachable(imported, core)) == ["core.answers", "core.text"]


FUNCTION = """
def scale(x):
    return 2 * x

class Options:
    rate: float = option(0.1, help="Learning rate.", source="paper")
"""


@pytest.mark.parametrize(
    ("old", "new", "same"),
    [
        ("    return 2 * x", "    # twice\n    return 2 * x", True),
        ("    return 2 * x", '    """Twice x."""\n    return 2 * x', True),
        ("def scale(x):", "\n\ndef scale(\n    x,\n):", True),
        ("Learning rate.", "The learning rate, per step.", True),
        ("return 2 * x", "return 3 * x", False),
        ("option(0.1", "option(0.2", False),
    ],
)
def test_only_what_the_code_does_counts(old, new, same):
    changed = FUNCTION.replace(old, new)
    assert changed != FUNCTION
    assert (digest_source(changed.encode()) == digest_source(FUNCTION.encode())) == same


def test_a_file_that_is_no_python_has_a_digest_too():
    assert digest_source(b"{{ template }} is no code") != digest_source(b"{{ template }} is none")


def test_the_stages_of_the_core_reach_what_they_compute_with_and_nothing_that_only_shows_it():
    reached = {stage: set(list_reachable([f"openrft.stages.{stage}"], CORE)) for stage in ("explore", "synthesize")}
    assert "openrft.rewards.combine" in reached["explore"] - reached["synthesize"]
    for backend in ("hf", "vllm", "openai"):
        assert f"openrft.policies.{backend}" in reached["explore"] & reached["synthesize"]
    assert not [name for name in reached["explore"] if name.startswith(("openrft.cli", "openrft.bench"))]


def test_an_edit_changes_the_keys_of_the_stages_that_reach_it_alone(tmp_path):
    root = Path(shutil.copytree(CORE, tmp_path / "openrft", ignore=shutil.ignore_patterns("__pycache__")))

    def digests():
        stages = ("augment", "synthesize", "imitate", "fitness", "explore", "evaluate")
        files = {stage: list_reachable([f"openrft.stages.{stage}"], root) for stage in stages}
        return {s: [digest_source(file.read_bytes()) for file in found.values()] for s, found in files.items()}

    def edited(file, old, new):
        before, text = digests(), (root / file).read_text()
        assert old in text
        (root / file).write_text(text.replace(old, new))
        return {stage for stage, found in digests().items() if found != before[stage]}

    assert edited("cli/bench.py", "Run arms", "Run all arms") == set()
    assert edited("config/settings.py", "from __future__", "# words\nfrom __future__") == set()
    assert edited("rewards/combine.py", "return math.prod(per_step)", "return 2 * math.prod(per_step)") == {
        "explore",
        "fitness",
        "evaluate",  # where a reward may choose among completions
    }
    everything = {"augment", "synthesize", "imitate", "fitness", "explore", "evaluate"}
    assert edited("policies/hf.py", "import torch\n", "import torch\n\nEDITED = 1\n") == everything
