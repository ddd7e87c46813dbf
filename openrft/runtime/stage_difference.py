"""Why a stage is not in a store that should hold it: what a stored result of the same stage differs in."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

Code = dict[str, tuple[Any, ...]]  # name of a plugin, or "openrft" -> version, digest, versions of libraries


def explain_missing(folder: Path, inputs: dict[str, Any]) -> str:
    """A sentence that names the code that changed since results in the stage's folder were made; empty if another
    cause is likely, such as a cleared store."""
    wanted, now = _part_from_code(json.loads(json.dumps(inputs)))
    for stored in _read_stored(folder):
        rest, then = _part_from_code(stored)
        if rest == wanted and then.keys() == now.keys():
            changed = [_describe_change(name, then[name], now[name]) for name in now if then[name] != now[name]]
            return f"Since the run, this changed: {', '.join(changed)}."
    return ""


def _read_stored(folder: Path) -> Iterator[dict[str, Any]]:
    for path in sorted(folder.glob("*/inputs.json"), key=lambda path: path.stat().st_mtime, reverse=True):
        try:
            yield json.loads(path.read_text("utf-8"))
        except (OSError, ValueError):
            continue  # a damaged result explains nothing


def _part_from_code(inputs: dict[str, Any]) -> tuple[dict[str, Any], Code]:
    """The inputs without code and versions, and these by name."""
    rest, code = dict(inputs), {"openrft": tuple(inputs["core"])} if "core" in inputs else {}
    rest.pop("core", None)
    for group in ("family", "plugins"):
        rest[group] = [[name, *options] for name, _, _, _, *options in inputs.get(group, ())]
        code |= {name: (version, digest, libraries) for name, version, digest, libraries, *_ in inputs.get(group, ())}
    return rest, code


def _describe_change(name: str, then: tuple[Any, ...], now: tuple[Any, ...]) -> str:
    if then[2] != now[2]:
        libraries = [
            f"{library} {then[2].get(library)} to {v}" for library, v in now[2].items() if then[2].get(library) != v
        ]
        return f"what {name} runs on ({', '.join(libraries)})"
    return f"the code of {name}"
