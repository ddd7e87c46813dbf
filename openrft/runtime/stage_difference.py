"""Why a stage is not in a store that should hold it: what a stored result of the same stage differs in.

The inputs are those that a stage's context gives: `core` and `version` are openrft's own code, and `family` and
`plugins` hold (name, version, digest, versions of libraries, options) of each plugin.
"""

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
    for rest, then in _read_stored(folder):
        changed = [words for name in now if name in then for words in _describe_change(name, then[name], now[name])]
        if changed and rest == wanted and then.keys() == now.keys():
            return f"Since the run, this changed: {', '.join(changed)}."
    return ""


def _read_stored(folder: Path) -> Iterator[tuple[dict[str, Any], Code]]:
    """The inputs of the stage's results, the latest first, each without code, and the code."""
    for path in sorted(folder.glob("*/inputs.json"), key=lambda path: path.stat().st_mtime, reverse=True):
        try:
            yield _part_from_code(dict(json.loads(path.read_text("utf-8"))))
        except (OSError, ValueError, TypeError):
            continue  # a result that is damaged, or of a version that wrote other inputs, explains nothing


def _part_from_code(inputs: dict[str, Any]) -> tuple[dict[str, Any], Code]:
    """The inputs without code and versions, and these by name."""
    rest, code = dict(inputs), {}
    if "core" in inputs:
        version, digest, libraries = rest.pop("core")
        code["openrft"] = (version, (digest, rest.pop("version", None)), libraries)
    for group in ("family", "plugins"):
        rest[group] = [[name, *options] for name, _, _, _, *options in inputs.get(group, ())]
        code |= {name: (version, digest, libraries) for name, version, digest, libraries, *_ in inputs.get(group, ())}
    return rest, code


def _describe_change(name: str, then: tuple[Any, ...], now: tuple[Any, ...]) -> Iterator[str]:
    if then[:2] != now[:2]:
        yield f"the code of {name}"
    libraries = sorted(library for library in {**then[2], **now[2]} if then[2].get(library) != now[2].get(library))
    if libraries:
        told = [f"{library} {then[2].get(library, 'none')} to {now[2].get(library, 'none')}" for library in libraries]
        yield f"what {name} runs on ({', '.join(told)})"
