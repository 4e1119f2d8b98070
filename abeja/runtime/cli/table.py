"""Plain tables for the terminal."""

from collections.abc import Sequence

import click


def print_table(header: Sequence[str], lines: Sequence[Sequence[str]]) -> None:
    """Print columns that are as wide as their widest cell."""
    widths = [max(len(line[column]) for line in (header, *lines)) for column in range(len(header))]
    for line in (header, *lines):
        click.echo("  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip())
