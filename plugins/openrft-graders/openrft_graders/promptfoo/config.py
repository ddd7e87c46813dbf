"""From a configuration to rows: each test is a row with the prompt as its message and its assertions.

`prompts` (one), `tests`, `defaultTest` and `vars` are read; providers are not, as the policy answers here. Several
values of a variable make several tests. Texts may hold `{{ name }}` and `{{ name.part[0] }}`. Other parts of
promptfoo's template language, such as filters and blocks, are refused.
"""

from __future__ import annotations

import itertools
import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

from openrft_graders.faults import describe_kind, refuse
from openrft_graders.finite import read_finite, show_value
from openrft_graders.promptfoo.assertion import Assertion, parse_assertions
from openrft_graders.promptfoo.files import find_file, read_data, read_text
from openrft_graders.template import write_value

_VARIABLE = re.compile(r"\{\{-?\s*(.*?)\s*-?\}\}", re.DOTALL)
_STEPS = re.compile(r"[A-Za-z_$][\w$]*(?:\.[A-Za-z_$][\w$]*|\[\d{1,6}\])*")
_TEST = ("vars", "assert", "threshold", "description", "metadata")
_REFUSED = ("scenarios", "redteam", "transform")


def is_config_file(path: Path) -> bool:
    """Whether a file is a configuration: YAML, or JSON with prompts and tests."""
    suffix = path.suffix.lower()
    if suffix == ".json" and path.is_file():
        try:
            return is_config(json.loads(path.read_text("utf-8-sig")))
        except (OSError, ValueError, RecursionError):
            return False
    return suffix in (".yaml", ".yml")


def is_config(value: Any) -> bool:
    """Whether a JSON or YAML value is a configuration of promptfoo."""
    return isinstance(value, Mapping) and "tests" in value and "prompts" in value


def read_config(path: Path) -> list[dict[str, Any]]:
    """A row for each test. Raises UsageError with the path in the configuration of what cannot be read."""
    config = read_data(path, str(path))
    if not is_config(config):
        refuse(str(path), "it is no configuration of promptfoo.", "It needs prompts and tests.")
    for name in _REFUSED:
        if name in config:
            refuse(name, "it is not read here.", "Write its cases as tests.")
    prompt = _read_prompt(config["prompts"], path.parent)
    default = config.get("defaultTest") or {}
    _check_test(default, "defaultTest")
    rows: list[dict[str, Any]] = []
    for place, test in _list_tests(config["tests"], path.parent):
        _check_test(test, place)
        rows += _read_test(test, place, default, prompt, path.parent)
    return rows


def load_assertions(item: Mapping[str, Any]) -> tuple[Assertion, ...]:
    """The assertions of a row."""
    return tuple(_load(part) for part in item["assert"])


def _load(part: Mapping[str, Any]) -> Assertion:
    return Assertion(**{**part, "parts": tuple(_load(inner) for inner in part["parts"])})


def _check_test(test: Any, place: str) -> None:
    if not isinstance(test, Mapping):
        refuse(place, "it is no test.", "Write {vars: ..., assert: ...}.")
    for name in test:
        if name not in _TEST:
            refuse(f"{place}.{name}", "it is not read here.", f"A test has {', '.join(_TEST)}.")
    variables = test.get("vars") or {}
    if not isinstance(variables, Mapping):
        refuse(f"{place}.vars", f"it is {describe_kind(variables)}.", "Write {name: value}.")
    for name, value in variables.items():
        if value == []:
            refuse(f"{place}.vars.{name}", "it has no value, so there is no test.", "Give at least one.")


def _list_tests(given: Any, folder: Path) -> Iterator[tuple[str, Any]]:
    if isinstance(given, str):
        given = read_data(find_file(given, "tests", folder), "tests")
    if not isinstance(given, list) or not given:
        refuse("tests", "it must be a list of tests, or file://NAME.yaml with one.")
    for index, test in enumerate(given):
        if isinstance(test, str):
            inner = read_data(find_file(test, f"tests[{index}]", folder), f"tests[{index}]")
            for number, part in enumerate(inner if isinstance(inner, list) else [inner]):
                yield f"tests[{index}][{number}]", part
        else:
            yield f"tests[{index}]", test


def _read_test(
    test: Mapping[str, Any], place: str, default: Mapping[str, Any], prompt: Any, folder: Path
) -> Iterator[dict[str, Any]]:
    variables = {**(default.get("vars") or {}), **(test.get("vars") or {})}
    own, shared = test.get("assert") or [], default.get("assert") or []
    if not isinstance(own, list) or not isinstance(shared, list) or not own + shared:
        refuse(f"{place}.assert", "it has no assertions.", "Write [{type: equals, value: ...}].")
    threshold = test.get("threshold", default.get("threshold"))
    if threshold is not None and read_finite(threshold) is None:
        refuse(f"{place}.threshold", f"it is {show_value(threshold)}.", "Write a number.")
    names = [name for name, value in variables.items() if isinstance(value, list)]
    for values in itertools.product(*(variables[name] for name in names)):
        chosen = {**variables, **dict(zip(names, values, strict=True))}
        for name, value in chosen.items():
            if isinstance(value, str) and value.startswith("file://"):
                refuse(f"{place}.vars.{name}", "files are not read here.", "Write the value itself.")
        assertions = (
            [
                *parse_assertions(_render(shared, chosen, "defaultTest.assert"), "defaultTest.assert", folder),
            ]
            if shared
            else []
        )
        if own:
            assertions += parse_assertions(_render(own, chosen, f"{place}.assert"), f"{place}.assert", folder)
        row = {"messages": _render(prompt, chosen, "prompts[0]"), "vars": chosen, "threshold": threshold}
        row["assert"] = [asdict(assertion) for assertion in assertions]
        equal = next((a.value for a in assertions if a.type == "equals" and not a.negated), None)
        yield row if equal is None else {**row, "reference_answer": equal}


def _read_prompt(given: Any, folder: Path) -> list[dict[str, Any]]:
    prompts = given if isinstance(given, list) else [given]
    if len(prompts) != 1:
        refuse("prompts", f"there are {len(prompts)}.", "Leave one: a policy is asked with one prompt.")
    prompt = prompts[0]
    if isinstance(prompt, Mapping):
        prompt = prompt.get("raw") or prompt.get("id") or prompt.get("content")
    if not isinstance(prompt, str):
        refuse("prompts[0]", "it is no text.", "Write a text, or file://NAME.txt.")
    if prompt.startswith("file://"):
        prompt = read_text(find_file(prompt, "prompts[0]", folder), "prompts[0]")
    if prompt.lstrip().startswith("["):  # a chat
        turns = read_data(prompt, "prompts[0]")
        if isinstance(turns, list) and all(isinstance(turn, Mapping) and "role" in turn for turn in turns):
            return [dict(turn) for turn in turns]
    return [{"role": "user", "content": prompt}]


def _render(value: Any, variables: Mapping[str, Any], path: str) -> Any:
    """The value with its variables filled in. Code keeps its braces."""
    if isinstance(value, Mapping):
        is_code = str(value.get("type")).removeprefix("not-") in ("python", "javascript")
        return {
            name: part if is_code and name == "value" else _render(part, variables, f"{path}.{name}")
            for name, part in value.items()
        }
    if isinstance(value, list):
        return [_render(part, variables, f"{path}[{index}]") for index, part in enumerate(value)]
    if not isinstance(value, str) or "{" not in value:
        return value
    if "{%" in value or "{#" in value:
        refuse(path, "blocks of the template language are not read here.", "Write {{ name }} alone.")
    return _VARIABLE.sub(lambda found: _find(found[1], variables, path), value)


def _find(name: str, variables: Mapping[str, Any], path: str) -> str:
    if not _STEPS.fullmatch(name):
        refuse(path, f"{{{{ {name} }}}} is no plain variable.", "Write {{ name }} or {{ name.part[0] }}.")
    value: Any = variables
    for step in re.findall(r"[\w$]+", name):
        try:
            value = value[int(step) if isinstance(value, list) else step]
        except (KeyError, IndexError, TypeError, ValueError):
            refuse(path, f"there is no variable {name}.", f"The test has {', '.join(map(str, variables)) or 'none'}.")
    return write_value(value)
