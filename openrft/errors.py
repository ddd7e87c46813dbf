"""The tree of errors.

    OpenRFTError                 every failure that OpenRFT reports in one line            exit code
    |-- UsageError               what was typed or configured cannot be done                   2
    |   `-- UnknownName          a task, plugin, option or value that does not exist           2
    |-- DataError                a row or file of a data set is missing or malformed           2
    |-- CheckpointError          a folder that is not a loadable checkpoint                    2
    |-- NotComparable            two reports that do not measure the same thing                3
    |-- PolicyError              a policy (a server, a model) did not answer                   5
    |-- BudgetSpent              the next call to a server could cost more than is allowed     5
    |-- PluginError              a plugin failed to import, to register or inside a hook       5
    `-- StoreError               a result could not be written or read back                    5
        `-- ReplyMissing         a replay needs a reply that was never kept                    5

A message says what is wrong and where (file, row, option, plugin). `advice` says what to do about it. The command line
prints both without a traceback; `--debug` shows the traceback too.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable


def first_line(fault: BaseException) -> str:
    """The first line of another library's error, or its type if it has no message."""
    return str(fault).strip().split("\n")[0] or type(fault).__name__


def end_sentence(text: str) -> str:
    """The text with a full stop, if it ends without one. Another library's words may have one or none."""
    text = text.rstrip()
    if text.endswith("..") and not text.endswith("..."):
        return text[:-1]
    return text if not text or text[-1] in ".!?:;" else f"{text}."


class OpenRFTError(Exception):
    """Base of every failure that OpenRFT reports in one line.

    `message` names what is wrong and where; `advice` is one sentence on what to do (may be empty).
    """

    exit_code = 5

    def __init__(self, message: str, advice: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.advice = advice

    def __str__(self) -> str:
        return f"{end_sentence(self.message) if self.advice else self.message} {self.advice}".strip()

    def __reduce__(self) -> tuple[type[OpenRFTError], tuple[str, str]]:
        # Errors cross process borders (the bench's workers); rebuild from the two strings alone.
        return (_plain, (type(self).__name__, self.message, self.advice))  # type: ignore[return-value]


class UsageError(OpenRFTError):
    """What was typed or configured cannot be done."""

    exit_code = 2


class UnknownName(UsageError):
    """A name that does not exist, reported with the nearest valid names.

    `what` is the kind of thing ("task", "plugin", "option of prm"), `name` the unknown name, `known` all valid names.
    """

    def __init__(self, what: str, name: str, known: Iterable[str], hint: str = "") -> None:
        names = sorted(set(known))
        near = difflib.get_close_matches(name, names, n=3, cutoff=0.5)
        if near:
            advice = f"Did you mean {' or '.join(near)}?"
        elif not names:
            advice = "There are none."
        elif len(names) <= 12:
            advice = f"Known: {', '.join(names)}."
        else:
            advice = f"There are {len(names)}, {', '.join(names[:6])} among them."
        super().__init__(f"unknown {what}: {name!r}.", f"{advice} {hint}".strip())


class DataError(OpenRFTError):
    """A row or file of a data set is missing or malformed."""

    exit_code = 2


class CheckpointError(OpenRFTError):
    """A folder or hub id that is not a loadable checkpoint."""

    exit_code = 2


class NotComparable(OpenRFTError):
    """Two reports that do not measure the same thing."""

    exit_code = 3


class PolicyError(OpenRFTError):
    """A policy (a server, a model) did not answer. `permanent`: it would answer no other request either."""

    permanent = False


class BudgetSpent(OpenRFTError):
    """The next call to a server could cost more than what is left of the budget."""


class PluginError(OpenRFTError):
    """A plugin failed to import, to register or inside a hook; the message names it and its version."""


class StoreError(OpenRFTError):
    """A result could not be written or read back."""


class ReplyMissing(StoreError):
    """A replay needs a server's reply that was never kept."""


def _plain(kind: str, message: str, advice: str) -> OpenRFTError:
    """Rebuild an error in another process; `UnknownName` keeps its text and becomes a `UsageError`."""
    plain: dict[str, type[OpenRFTError]] = {
        c.__name__: c
        for c in (
            *(UsageError, DataError, CheckpointError, NotComparable, PolicyError, BudgetSpent),
            *(PluginError, StoreError, ReplyMissing),
        )
    }
    plain["UnknownName"] = UsageError
    return plain.get(kind, OpenRFTError)(message, advice)
