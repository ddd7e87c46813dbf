"""Write a plugin package of a kind, which passes its own tests and type checks."""

from __future__ import annotations

import keyword
import re
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path
from string import Template

from openrft.errors import UnknownName, UsageError
from openrft.plugins.registry import list_plugins
from openrft.runtime.files import report_disk_errors

NAME = re.compile(r"[a-z][a-z0-9]*(-[a-z0-9]+)*")


@dataclass(frozen=True, slots=True)
class Kind:
    """What differs between packages of different kinds. `$name` is replaced by the plugin's name."""

    hook: str
    summary: str
    try_it: str  # a command
    own_tests: bool = False  # whether it has tests of its own besides the conformance kit


_BENCH = "openrft bench --plugins $name --preset quick"

KINDS = {
    "task": Kind("tasks", "It brings tasks.", "openrft tasks list '$name/*'"),
    "reward": Kind("reward", "It rewards the steps of a completion.", _BENCH, True),
    "trainer": Kind("train_step", "It is an RL algorithm.", _BENCH, True),
    "augment": Kind("augment", "It makes further training questions.", _BENCH),
    "teacher": Kind(
        "synthesize",
        "It writes reasoning for the training questions.",
        "openrft bench --plugins sft,$name --preset quick",
    ),
    "retrieve": Kind("retrieve", "It chooses demonstrations.", _BENCH),
    "evaluate": Kind("evaluate", "It measures test answers.", "openrft evaluate --plugins $name"),
    "policy": Kind("policies", "It offers a checkpoint by name.", "openrft evaluate --policy $name/base"),
}


def write_plugin(name: str, kind: str, out: Path) -> list[Path]:
    """Write the package of the plugin `name` into the new folder `out`, and return its files.

    Raises UsageError for a name that cannot be a plugin's or is taken, for a kind that does not exist, and for a folder
    that holds something.
    """
    if kind not in KINDS:
        raise UnknownName("kind of plugin", kind, KINDS)
    _check_name(name)
    if out.exists() and (not out.is_dir() or any(out.iterdir())):
        raise UsageError(f"{out} is not an empty folder.", "Give another one with --out.")
    about, module = KINDS[kind], f"openrft_{name.replace('-', '_')}"
    words = {
        "name": name,
        "module": module,
        "distribution": f"openrft-{name}",
        "class_name": "".join(part.capitalize() for part in (*name.split("-"), "plugin")),  # never a name it imports
        "hook": about.hook,
    }
    words |= {field: Template(getattr(about, field)).substitute(words) for field in ("summary", "try_it")}
    texts = {
        "pyproject.toml": "pyproject.toml",
        "README.md": "README.md",
        ".github/workflows/test.yml": "workflow.yml",
        f"{module}/__init__.py": f"{kind}.py",
        f"{module}/py.typed": None,
        "tests/test_conformance.py": "conformance_test.py",
    }
    if about.own_tests:
        texts["tests/test_plugin.py"] = f"{kind}_test.py"
    written = []
    for file, template in texts.items():
        text = "" if template is None else (files(__package__) / "templates" / f"{template}.txt").read_text("utf-8")
        with report_disk_errors(out):
            (out / file).parent.mkdir(parents=True, exist_ok=True)
            (out / file).write_text(Template(text).substitute(words), encoding="utf-8")
        written.append(out / file)
    return written


def _check_name(name: str) -> None:
    if not NAME.fullmatch(name) or keyword.iskeyword(name):
        raise UsageError(
            f"{name!r} cannot be a plugin's name.", "Write it in small letters, digits and hyphens: my-reward."
        )
    if name in list_plugins():
        raise UsageError(f"there is already an installed plugin {name!r}.", "Choose another name.")
