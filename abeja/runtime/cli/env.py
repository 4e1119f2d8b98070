"""``abeja-runtime env``."""

import datetime
import json
import time
from collections.abc import Iterable
from typing import Any

import click

from abeja.runtime.cli.table import print_table
from abeja.runtime.prepare.store import Entry, Store, cache_folder

_DAY_S = 24 * 60 * 60
_MEGABYTE = 1024**2


@click.group()
def env() -> None:
    """Look at the environments that were built, and remove them."""


@env.command("list")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def list_(*, as_json: bool) -> None:
    """List the environments, the one that was used last first.

    \b
    Example:
        abeja-runtime env list
    """
    entries = Store(cache_folder()).entries()
    if as_json:
        click.echo(json.dumps([_described(entry) for entry in entries], indent=4))
        return
    print_table(
        ("ENVIRONMENT", "PYTHON", "FROM", "AS OF", "SIZE", "LAST USED", "BUILT FOR"),
        [
            (
                entry.key,
                entry.record["python"],
                entry.record["source"] or "-",
                entry.record["as_of"] or "-",
                f"{entry.size_bytes / _MEGABYTE:.0f} MB",
                datetime.datetime.fromtimestamp(entry.last_used).astimezone().strftime("%Y-%m-%d %H:%M"),
                entry.record["built_for"],
            )
            for entry in entries
        ],
    )


@env.command()
@click.option("--all", "is_all", is_flag=True, help="All of them, however recently they were used.")
@click.option(
    "--unused-for",
    "days",
    metavar="DAYS",
    type=click.IntRange(min=0),
    default=30,
    show_default=True,
    help="Those that were not used for so long.",
)
def prune(*, is_all: bool, days: int) -> None:
    """Remove environments that were not used for a while, and what interrupted builds left.

    \b
    Example:
        abeja-runtime env prune --unused-for 7

    One that a process uses now is kept, and so are the caches of uv and pip.
    """
    removed = Store(cache_folder()).prune(unused_for_s=0 if is_all else days * _DAY_S)
    click.echo(f"removed {_count(removed)}, {sum(entry.size_bytes for entry in removed) / _MEGABYTE:.0f} MB")


def _described(entry: Entry) -> dict[str, Any]:
    return {
        "environment": entry.key,
        "folder": str(entry.folder),
        "size_bytes": entry.size_bytes,
        "unused_for_s": int(time.time() - entry.last_used),
        **entry.record,
    }


def _count(removed: Iterable[Entry]) -> str:
    count = len(list(removed))
    return f"{count} environment{'' if count == 1 else 's'}"
