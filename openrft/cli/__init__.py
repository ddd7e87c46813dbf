"""The command line: one file per command, loaded when it is used. `--help` imports neither torch nor any plugin."""

from __future__ import annotations

import errno
import io
import os
import re
import sys
import traceback
from importlib import import_module
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from click.shell_completion import CompletionItem

GROUPS = {
    "Try": {
        "init": "Answer five questions; get a settings file and the commands.",
        "bench": "Run arms on tasks and report how much each plugin helped.",
        "doctor": "Check before a run whether it can work: data, policy, rewards, teacher, machine.",
        "study": "Vary a setting of the method and report the effect of each value.",
    },
    "Train and use": {
        "train": "Train one arm on one task and write the policy.",
        "predict": "Answer new questions with a policy, from a file or in the terminal.",
        "serve": "Serve a policy to OpenAI clients, with vLLM or transformers.",
        "export": "Write the trained policy of a finished run, without training again.",
        "evaluate": "Evaluate a policy on a task's test questions, without training.",
    },
    "Look": {
        "report": "Show the report of a finished bench again.",
        "items": "Show the test questions and answers of a finished bench, arm beside arm.",
        "compare": "Compare two arms or two runs on the questions that they share.",
        "gate": "Compare two reports; the exit code says whether something got worse.",
        "replies": "List, show or delete the stored replies of servers.",
    },
    "Prepare": {
        "tasks": "List, show and compare tasks, or prepare their rows.",
        "grade": "Grade completions from a file, to check the grader.",
        "fitness": "Measure whether process rewards score right answers above wrong ones.",
        "settings": "List settings and options, their values and where the values come from.",
    },
    "Extend": {
        "plugins": "List installed plugins and their options, write new ones, and check them.",
        "completion": "Print the script for TAB completion in bash, zsh or fish.",
    },
}

COMMANDS = {name: text for group in GROUPS.values() for name, text in group.items()}

HELP = """Reinforcement fine-tuning from about 100 labelled questions, with evidence of which part helped.

\b
Examples:
  openrft bench                                 the method on included tasks
  openrft bench --plugins prm,icl               what a PRM and ICL add
  openrft tasks show questions --data mine.csv  how your questions are read
  openrft gate base.json runs/new               exit code 1 if it got worse
"""


_ANYWHERE = re.compile("--debug|--verbose|-v+")


class LazyGroup(click.Group):
    """Knows its commands' names and one-line helps; imports a command's module when it is called."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, name: str) -> click.Command | None:
        if name not in COMMANDS:
            from openrft.cli.plugin_commands import load_command

            return load_command(name)
        command: click.Command = import_module(f"openrft.cli.{name}").command
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        for title, commands in GROUPS.items():
            with formatter.section(title):
                formatter.write_dl(list(commands.items()))
        # Naming them here would mean to read every distribution's metadata, and `--help` answers at once.
        formatter.write_paragraph()
        formatter.write_text("Plugins add more commands: `openrft plugins list` names them.")

    def shell_complete(self, ctx: click.Context, incomplete: str) -> list[CompletionItem]:
        """Commands, those of plugins included, by their names: no command's module is imported."""
        from click.shell_completion import CompletionItem

        from openrft.cli.plugin_commands import list_commands

        texts = {**dict.fromkeys(list_commands(), "A plugin's command."), **COMMANDS}
        found = [CompletionItem(name, help=text) for name, text in texts.items() if name.startswith(incomplete)]
        return [*found, *click.Command.shell_complete(self, ctx, incomplete)]

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        if args and args[0] not in COMMANDS and not args[0].startswith("-"):
            from openrft.cli.plugin_commands import list_commands
            from openrft.errors import UnknownName

            if args[0] not in (more := list_commands()):
                raise UnknownName("command", args[0], [*COMMANDS, *more])
        return super().resolve_command(ctx, args)


def _version(ctx: click.Context, _: click.Parameter, wanted: bool) -> None:
    if wanted and not ctx.resilient_parsing:
        from openrft.version import __version__

        click.echo(f"openrft {__version__}")
        ctx.exit()


@click.group(
    cls=LazyGroup, help=HELP, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 110}
)
@click.option("--version", is_flag=True, is_eager=True, expose_value=False, callback=_version, help="Show the version.")
@click.option("--debug", is_flag=True, help="Show tracebacks.")
@click.option("-v", "--verbose", count=True, help="Log what is done; -vv logs all details.")
@click.pass_context
def cli(ctx: click.Context, debug: bool, verbose: int) -> None:
    """See HELP."""
    from openrft.cli.command_context import CommandContext
    from openrft.runtime.logging import configure_logging
    from openrft.runtime.ranks import count_started

    configure_logging(verbose)
    if count_started() > 1:
        from openrft.cli.ranks import join

        join(ctx.invoked_subcommand or "")
    ctx.obj = CommandContext()


def main() -> None:
    """The console script: errors become one line, with their own exit codes; Ctrl-C is a clean stop."""
    # Both are understood anywhere on the line, because they are thought of after the command failed.
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")  # what the terminal's encoding cannot write is still shown
    anywhere = [a for a in sys.argv[1:] if _ANYWHERE.fullmatch(a)]
    debug = "--debug" in anywhere or bool(os.environ.get("OPENRFT_DEBUG"))
    arguments = [*anywhere, *(a for a in sys.argv[1:] if not _ANYWHERE.fullmatch(a))]
    completes = "_OPENRFT_COMPLETE" in os.environ  # a shell asks what could come next
    if completes:
        from openrft.cli.completion import use_own_scripts

        use_own_scripts()
    try:
        # Outside its standalone mode click returns the code of an Exit instead of leaving with it.
        code = cli.main(["--debug", *arguments] if debug else arguments, prog_name="openrft", standalone_mode=False)
        sys.stdout.flush()  # here, where a full disk can be told of
        sys.exit(code if isinstance(code, int) else 0)
    except click.Abort:
        _exit_stopped()
    except KeyboardInterrupt:
        _exit_stopped()
    except click.ClickException as fault:
        if completes or not _may_report():
            sys.exit(1)  # a message would appear in the middle of the typed line
        from openrft.runtime.text import escape_terminal

        shown = io.StringIO()
        fault.show(shown)
        click.echo(escape_terminal(shown.getvalue().replace("\t", "  "), keep_newlines=True), err=True, nl=False)
        sys.exit(fault.exit_code)
    except Exception as fault:
        if debug:
            raise
        if isinstance(fault, OSError) and _is_output_fault(fault):
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # or Python fails again when it ends
            if fault.errno == errno.EPIPE:
                sys.exit(1)  # whoever read has gone, such as `head`
            fault.filename = "standard output"
        sys.exit(1 if completes else _explain(fault))


def _is_output_fault(fault: OSError) -> bool:
    """Whether standard output could not be written: the fault names no file, and what prints was at work."""
    *_, (frame, _) = traceback.walk_tb(fault.__traceback__)
    writer = str(frame.f_globals.get("__name__"))
    return fault.filename is None and writer.startswith(("click.", "rich.", "openrft.cli"))


def _may_report() -> bool:
    """Whether this process says what went wrong: of several ranks only one does."""
    ranks = sys.modules.get("openrft.runtime.ranks")
    return ranks is None or bool(ranks.may_report())


def _explain(fault: Exception) -> int:
    from openrft.cli.printing import print_text
    from openrft.errors import OpenRFTError
    from openrft.runtime.ranks import name_rank

    if isinstance(fault, OpenRFTError):
        code, words = fault.exit_code, str(fault)
    elif isinstance(fault, OSError) and fault.filename is not None:
        code, words = 2 if fault.errno == errno.ENAMETOOLONG else 5, f"{fault.filename}: {fault.strerror}."
    else:
        advice = "This is a fault of OpenRFT; rerun with --debug and report it."
        code, words = 5, f"{type(fault).__name__}: {fault} {advice}"
    details = "".join(f" {note}" for note in getattr(fault, "__notes__", ()) if note.startswith("Details: "))
    if _may_report():
        print_text(f"openrft: {name_rank()}{words}{details}", err=True, keep_newlines=True)
    return code


def _exit_stopped() -> None:
    click.echo("\nopenrft: stopped. Finished work is kept: run the same command again to continue.", err=True)
    # Workers may still hold files; leaving without their cleanup is safe because every result is renamed into place.
    sys.stderr.flush()
    os._exit(130)
