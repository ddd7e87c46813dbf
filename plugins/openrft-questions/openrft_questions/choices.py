"""The options of a question, in the ways in which people write them down."""

from __future__ import annotations

import re
import string
from collections.abc import Mapping, Sequence
from typing import Any

from openrft_questions.cells import Bad, spaced, text_of

LETTERS = string.ascii_uppercase
_OWN_LABEL = re.compile(r"\(?([A-Z])[).:]\s+(?=\S)")
Options = tuple[tuple[str, ...], tuple[str, ...]]  # texts, and labels by which an answer may name them


def options_of(value: Any, lettered: Mapping[str, Any]) -> Options:
    """The options' texts and labels: a column each (`lettered`), a list, an object by label, or `text` and `label`, in
    two lists or in an object each. Raises Bad."""
    if value is not None and value not in ([], {}) and lettered:
        raise Bad("options", f"options stand in one column and, apart, in {', '.join(sorted(lettered))}")
    if lettered:
        return _checked(*_columns(lettered))
    if value is None or value in ([], {}):
        return (), ()
    if isinstance(value, Mapping) and {"text", "label"} <= {*value}:
        return _checked(value["text"], value["label"])
    if isinstance(value, Mapping):
        return _checked(list(value.values()), list(value))
    if not isinstance(value, list):
        raise Bad("options", "the options are no list; in CSV give each a column of its own: A, B, C, ...")
    if all(isinstance(one, Mapping) and {"text", "label"} <= {*one} for one in value):
        return _checked([one["text"] for one in value], [one["label"] for one in value])
    return _checked(value, list(LETTERS[: len(value)]))


def _columns(lettered: Mapping[str, Any]) -> tuple[list[Any], list[str]]:
    """Options with a column each, by letter from A or number from 0 or 1, without a gap."""
    names = sorted(lettered, key=lambda name: (len(name), name))
    first = int(names[0]) if names[0] in ("0", "1") else 0
    counted = [str(first + i) for i in range(len(names))]
    if names not in (list(LETTERS[: len(names)]), counted):
        raise Bad("options", f"the columns {', '.join(names)} were taken for options, and there are gaps between")
    return [lettered[name] for name in names], names


def _checked(texts: Any, labels: Any) -> Options:
    if not isinstance(texts, list) or not isinstance(labels, list) or len(labels) != len(texts):
        raise Bad("options", "there are not as many labels as options")
    if not 2 <= len(texts) <= len(LETTERS):
        count = "only one option" if len(texts) == 1 else f"{len(texts)} options"
        raise Bad("options", f"there is {count}; from 2 to {len(LETTERS)} are possible")
    written = [str(text) if isinstance(text, bool) else text_of(text) for text in texts]
    named = [text_of(label) for label in labels]
    if not all(written) or not all(named):
        raise Bad("options", "an option is empty or no text")
    found = _without_labels(list(map(str, written)))
    for what, those in (("options", [*map(spaced, found)]), ("labels", [str(label).upper() for label in named])):
        twice = next((text for text in those if those.count(text) > 1), None)
        if twice is not None:
            raise Bad("options", f"two {what} are the same: {twice[:60]!r}")
    return tuple(found), tuple(str(label).upper() for label in named)


def _without_labels(texts: Sequence[str]) -> list[str]:
    """Options that carry their own letters ("A. iron", "B. neon") without these; in another order they are refused."""
    own = [_OWN_LABEL.match(text) for text in texts]
    letters = [match.group(1) for match in own if match]
    if sorted(letters) != list(LETTERS[: len(texts)]):
        return list(texts)
    if letters != sorted(letters):
        raise Bad("options", f"the options carry letters of their own, in the order {', '.join(letters)}")
    return [text[match.end() :] for text, match in zip(texts, own, strict=True) if match]
