"""A question without its gold answer, as a sample for code that rewards completions of it."""

from __future__ import annotations

from openrft.errors import PluginError
from openrft.tasks.task import Question
from openrft.types import Sample

HIDDEN = ("answer", "accepted", "gold")


class UnlabelledSample(Sample):
    """A sample whose gold answer is not known or must not be seen. Reading it raises PluginError; `meta` is empty.

    Such a sample has its own id, which does not depend on any answer.
    """

    __slots__ = ()

    def __getattribute__(self, name: str) -> object:
        if name in HIDDEN:
            raise PluginError(
                f"it reads the gold answer (Sample.{name}) of a question that has none.",
                "Its class must not say needs_gold = False.",
            )
        return object.__getattribute__(self, name)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, UnlabelledSample) and self.id == other.id

    def __hash__(self) -> int:
        return hash(self.id)

    def __repr__(self) -> str:
        return f"UnlabelledSample({self.question!r}, options={self.options!r}, kind={self.kind!r})"


def make_unlabelled(question: Question) -> UnlabelledSample:
    """The question as a sample that hides its answer."""
    stand_in = to_sample(question)
    blank = object.__new__(UnlabelledSample)
    for name in Sample.__slots__:
        object.__setattr__(blank, name, getattr(stand_in, name))
    return blank


def to_sample(question: Question) -> Sample:
    """The question as a sample that can be read and compared with nothing: any answer that fits its kind will do."""
    answer = {"choice": "A", "boolean": "Yes"}.get(question.kind, "0")
    return Sample(question.text, answer, question.options, question.kind, question.task)
