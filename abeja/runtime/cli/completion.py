"""``abeja-runtime completion``."""

import click

from abeja.runtime.cli.shells import SCRIPTS


@click.command()
@click.argument("shell", type=click.Choice(tuple(SCRIPTS)))
def completion(shell: str) -> None:
    """Print a script that completes commands and options in the shell.

    \b
    bash, in ~/.bashrc:
        eval "$(abeja-runtime completion bash)"
    zsh, in ~/.zshrc, after compinit:
        eval "$(abeja-runtime completion zsh)"
    fish:
        abeja-runtime completion fish > ~/.config/fish/completions/abeja-runtime.fish

    It also completes image versions, Pythons, files, and the handlers of the model's folder, whose code is
    read and not run.
    """
    click.echo(SCRIPTS[shell], nl=False)
