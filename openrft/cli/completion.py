"""`openrft completion`: the script that makes a shell complete commands, options and names.

The scripts are not click's. These complete what bash splits at `:` and `=` (RUN:ARM, OWNER.OPTION=), lists with commas
in fish, `--option=value`, names with spaces, and they leave no space behind what goes on, such as `pocket/`.
"""

from __future__ import annotations

import os
import re
from typing import ClassVar

import click
from click.shell_completion import CompletionItem, ShellComplete, add_completion_class

EPILOG = """\b
Examples, which install it for good in new terminals:
  openrft completion bash > ~/.openrft-completion.bash
  echo '. ~/.openrft-completion.bash' >> ~/.bashrc

\b
  openrft completion zsh > ~/.openrft-completion.zsh
  echo '. ~/.openrft-completion.zsh' >> ~/.zshrc       (below the line with compinit)

\b
  openrft completion fish > ~/.config/fish/completions/openrft.fish
"""

BASH = r"""%(complete_func)s() {
    mapfile -t COMPREPLY < <(%(complete_var)s=bash_complete OPENRFT_LINE="${COMP_LINE:0:COMP_POINT}" \
        OPENRFT_BREAKS="$COMP_WORDBREAKS" "$1" 2>/dev/null)
    [[ ${#COMPREPLY[@]} == 1 && $COMPREPLY == *[/=.:,] ]] && compopt -o nospace
}
complete -o nosort -F %(complete_func)s %(prog_name)s
"""

ZSH = r"""#compdef %(prog_name)s
%(complete_func)s() {
    local line value
    local -a plain open described
    for line in ${(f)"$(%(complete_var)s=zsh_complete OPENRFT_LINE="${(j: :)words[1,CURRENT-1]} $PREFIX" \
            $words[1] 2>/dev/null)"}; do
        value=${line%%%%$'\t'*}
        if [[ $line == *$'\t'* ]]; then
            described+=("${value//:/\\:}:${line#*$'\t'}")
        elif [[ $value == *[/=.:,] ]]; then
            open+=("$value")
        else
            plain+=("$value")
        fi
    done
    (( $#described )) && _describe -V openrft described -Q -U
    (( $#open )) && compadd -Q -U -V openrft -S '' -a open
    (( $#plain )) && compadd -Q -U -V openrft -a plain
}
if [[ $zsh_eval_context[-1] == loadautofunc ]]; then
    %(complete_func)s "$@"
else
    compdef %(complete_func)s %(prog_name)s
fi
"""

FISH = r"""function %(complete_func)s
    set -lx %(complete_var)s fish_complete
    set -lx OPENRFT_LINE (commandline -cp)
    %(prog_name)s 2>/dev/null
end
complete --no-files --command %(prog_name)s --arguments "(%(complete_func)s)"
"""


class LineComplete(ShellComplete):
    """Completes the last word of the line up to the cursor, which the shell gives in OPENRFT_LINE."""

    def get_completion_args(self) -> tuple[list[str], str]:
        """The words before the last one, without the program, and the last one: "" behind a space."""
        from click.shell_completion import split_arg_string

        mark = "|"  # so that a space at the end, quoted or not, is what it is
        *before, last = split_arg_string(os.environ["OPENRFT_LINE"] + mark)
        return before[1:], last.removesuffix(mark)

    def get_completions(self, args: list[str], incomplete: str) -> list[CompletionItem]:
        """Whole words: paths as such, and `--option=value` where that is how it was typed."""
        option, equals, value = incomplete.partition("=")
        before = option + equals if equals and option.startswith("--") else ""
        typed = value if before else incomplete
        found: list[CompletionItem] = []
        for item in super().get_completions(args, incomplete):
            words = [item.value] if item.type == "plain" else _list_paths(typed, item.type)
            found += [CompletionItem(before + word, help=item.help) for word in words]
        return found

    def format_completion(self, item: CompletionItem) -> str:
        """One line: the word, and behind a tab what it is."""
        return f"{self.quote(item.value)}\t{item.help}" if item.help else self.quote(item.value)

    def quote(self, word: str) -> str:
        """The word as it must stand in the line."""
        return re.sub(r"([^\w@%+=:,./~^-])", r"\\\1", word)


class BashLine(LineComplete):
    """bash puts words in place of what follows the last `:` or `=`, and shows no helps."""

    name: ClassVar[str] = "bash"
    source_template: ClassVar[str] = BASH

    def format_completion(self, item: CompletionItem) -> str:
        _, typed = self.get_completion_args()
        is_quoted = re.search(r"""(^|\s)["'][^\s"']*$""", os.environ["OPENRFT_LINE"])
        breaks = "" if is_quoted else re.sub("[^:=]", "", os.environ.get("OPENRFT_BREAKS", ""))
        done = max((typed.rfind(mark) for mark in breaks), default=-1) + 1
        return item.value[done:] if is_quoted else self.quote(item.value[done:])


class ZshLine(LineComplete):
    """zsh shows the helps."""

    name: ClassVar[str] = "zsh"
    source_template: ClassVar[str] = ZSH


class FishLine(LineComplete):
    """fish quotes by itself."""

    name: ClassVar[str] = "fish"
    source_template: ClassVar[str] = FISH

    def quote(self, word: str) -> str:
        return word


SHELLS: dict[str, type[LineComplete]] = {kind.name: kind for kind in (BashLine, ZshLine, FishLine)}


def use_own_scripts() -> None:
    """Let click answer the scripts of this file."""
    for kind in SHELLS.values():
        add_completion_class(kind)


@click.command("completion", epilog=EPILOG)
@click.argument("shell", type=click.Choice(list(SHELLS)))
def command(shell: str) -> None:
    """Print the script that completes openrft's commands, options and names in a shell (bash from 4.4 on).

    After TAB the shell offers tasks, plugins, policies, presets, settings, studies, runs and arms.
    """
    from openrft.cli import cli

    click.echo(SHELLS[shell](cli, {}, "openrft", "_OPENRFT_COMPLETE").source())


def _list_paths(typed: str, kind: str) -> list[str]:
    from openrft.cli.completions import list_paths

    try:
        return [path for path in list_paths(typed) if kind == "file" or path.endswith("/")]
    except OSError:
        return []
