"""Options of the vendor's CLI that its documentation prints, so that those commands run unchanged."""

from collections.abc import Callable
from typing import Any, TypeVar

import click

_Command = TypeVar("_Command", bound=Callable[..., Any])

_ORGANIZATION = "ABEJA_ORGANIZATION_ID"


def with_vendor_options(command: _Command) -> _Command:
    """Give a command the vendor's options; `apply_vendor_options` takes them out of its flags again."""
    for option in (
        click.option("--v1", is_flag=True, help="The handler is of image version 18.10, whatever the image says."),
        click.option(
            "-o",
            "--organization_id",
            "--organization-id",
            "organization_id",
            metavar="ID",
            help=f"Sets {_ORGANIZATION} for the handler.",
        ),
        click.option(
            "-d",
            "--device_type",
            "--device-type",
            "device_type",
            metavar="TYPE",
            hidden=True,
            help="Accepted for compatibility; without Docker there is no device to choose.",
        ),
        click.option(
            "--no-cache",
            "--no_cache",
            "no_cache",
            is_flag=True,
            hidden=True,
            help="Accepted for compatibility; there is no image to build.",
        ),
    ):
        command = option(command)
    return command


def apply_vendor_options(flags: dict[str, Any]) -> dict[str, Any]:
    """The flags with the vendor's options translated into ours."""
    flags = dict(flags)
    organization_id = flags.pop("organization_id")
    if flags.pop("v1"):
        flags.update(image=None, image_version="18.10")
    if organization_id:
        flags["environment"] = (*(flags.get("environment") or ()), f"{_ORGANIZATION}:{organization_id}")
    del flags["device_type"], flags["no_cache"]
    return flags
