"""What a report says in a few plain sentences, with the facts that they rest on. conclude.py draws it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Conclusion:
    """At most four lines: the findings, and one of what is open and of the next command."""

    findings: tuple[str, ...] = ()  # at most three lines, in this order: the best arm, the plugins, what does as well
    open: str = ""  # what is not settled, and what would settle it; empty if there is nothing
    command: str = ""  # what to type next; empty if there is nothing to do
    best: str | None = None  # the arm with the highest accuracy beside vanilla and rules without a model
    one_seed: bool = False  # trained arms had one seed: `helps` and `harms` are suggestions, and nothing is shown
    helps: tuple[str, ...] = ()  # plugins (arms, where no plugin was measured) with a gain
    harms: tuple[str, ...] = ()  # with a loss
    depends: tuple[str, ...] = ()  # with a gain among some plugins and a loss among others
    undecided: tuple[str, ...] = ()  # with neither
    as_good: tuple[str, ...] = ()  # rules without a model and arms without training that `best` is not shown to beat

    @property
    def lines(self) -> tuple[str, ...]:
        """Everything as text, at most four lines."""
        return self.format_lines(str, str)

    def format_lines(self, words: Callable[[str], str], command: Callable[[str], str]) -> tuple[str, ...]:
        """The same lines for another kind of document. `words` and `command` write what is said, and what to type."""
        following = f"Next: {command(self.command)}" if self.command else ""
        last = " ".join(filter(None, (words(self.open) if self.open else "", following)))
        return (*map(words, self.findings), *[last] * bool(last))
