"""`openrft completion`: the script that makes a shell complete commands, options and names."""

from __future__ import annotations

import click

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


@click.command("completion", epilog=EPILOG)
@click.argument("shell", type=click.Choice(["bash", "zsh", "fish"]))
def command(shell: str) -> None:
    """Print the script that completes openrft's commands, options and names in a shell.

    After TAB the shell offers tasks, plugins, presets, settings, runs and arms.
    """
    from click.shell_completion import get_completion_class

    from openrft.cli import cli

    kind = get_completion_class(shell)
    if kind is None:  # click has all three
        raise click.ClickException(f"click has no completion for {shell}.")
    click.echo(kind(cli, {}, "openrft", "_OPENRFT_COMPLETE").source())
