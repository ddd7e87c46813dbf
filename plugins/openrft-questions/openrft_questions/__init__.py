"""Tasks from labelled questions of your own: a file, a folder or a data set, in the layouts that people have."""

from __future__ import annotations

from openrft import Plugin, TaskFamily, hookimpl


class Questions(Plugin):
    """Gives the family `questions`."""

    @hookimpl
    def tasks(self) -> TaskFamily:
        """The family."""
        from openrft_questions.family import QuestionsFamily

        return QuestionsFamily()
