"""What a plugin's command gets from the core with `@click.pass_obj`. It may import only the public names."""

from __future__ import annotations

from contextlib import AbstractContextManager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from openrft.runtime.progress import Progress
    from openrft.tasks.task import DataRequest, Task


class CommandContext:
    """Access to tasks, progress display and the core's own commands."""

    def task(self, selector: str, request: DataRequest) -> Task:
        """The single task that a selector names, without its test split. Raises UsageError or DataError."""
        from dataclasses import replace

        from openrft.errors import UsageError
        from openrft.plugins.task_registry import load_task, select_tasks

        names = select_tasks(selector)
        if len(names) != 1:
            raise UsageError(f"{selector!r} matches {len(names)} tasks.", "Name one.")
        return replace(load_task(names[0], request), test=())

    def progress(self, title: str) -> AbstractContextManager[Progress]:
        """In this context, progress is shown on standard error as in the core's commands."""
        from openrft.cli.progress import show_progress

        return show_progress(title)

    def run(self, *arguments: str) -> None:
        """Run one of the core's commands as if it had been typed: `context.run("fitness", "--plugins", "prm")`."""
        from openrft.cli import cli

        cli.main(list(arguments), prog_name="openrft", standalone_mode=False)
