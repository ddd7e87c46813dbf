"""A command that torchrun has started several times: which ones can be, and with which options."""

from __future__ import annotations

from collections.abc import Mapping

from openrft.errors import UsageError
from openrft.runtime.ranks import join_ranks, joined_ranks

COMMANDS = ("train", "bench", "evaluate")
ADVICE = "Leave it out, or give the command without torchrun."


def join(command: str) -> None:
    """Meet the other ranks. Raises UsageError for a command that one process runs."""
    ranks = join_ranks()
    if command not in COMMANDS:
        raise UsageError(
            f"`openrft {command}` runs in one process, and torchrun has started {ranks.size}.",
            f"Give it without torchrun, which is for {', '.join(COMMANDS)}.",
        )


def check_options(given: Mapping[str, object]) -> None:
    """Raises UsageError if there are several ranks and an option is given that they cannot have together."""
    ranks = joined_ranks()
    for name, value in given.items():
        if value and ranks.size > 1:
            raise UsageError(f"{name} is not for {ranks.size} ranks that work on one job.", ADVICE)
