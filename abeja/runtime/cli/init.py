"""``abeja-runtime init``."""

import shlex
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import click

from abeja.runtime.cli.grouped_help import GroupedCommand
from abeja.runtime.cli.options import complete, with_options
from abeja.runtime.config import FILE_NAME, Configuration, Layer, resolve
from abeja.runtime.errors import OptionInvalidError, TemplateMissingError
from abeja.runtime.scaffold import write_model
from abeja.runtime.types import Image


@click.command(cls=GroupedCommand)
@click.argument("folder", default=".", type=click.Path(file_okay=False, path_type=Path))
@click.option(
    "--abi",
    metavar="NAME",
    help="The handler ABI, such as 19.04, instead of an image version.",
    shell_complete=complete,
)
@with_options("image", "image_version", "plugin", "block_plugin")
def init(folder: Path, *, abi: str | None, **flags: Any) -> None:
    """Write a new handler into FOLDER: with a request, a test, requirements.txt and a README.

    \b
    Example:
        abeja-runtime init greeting --image-version 19.04
        abeja-runtime init greeting --abi 18.10

    FOLDER is the current one unless it is named. Files that are there are never written over.
    """
    configuration = resolve({**flags, "model_dir": str(folder)})
    image, setting = configuration.image, _setting(configuration)
    if abi and (image is None or image.abi != abi):
        _check_alone(abi, image, configuration)
        image = _image_of_abi(abi, configuration)
        setting = f'image_version = "{image.name}"'
    if image is None:
        raise OptionInvalidError(
            f"for which image version or handler ABI?\nABIs with a template: {_known(configuration)}.",
            hint="--image-version names one, or --abi; `abeja-runtime images` lists the versions.",
        )
    chosen = configuration.plugins.abi(image.abi, asked_by=f'{image.origin}, image "{image.name}"')
    if chosen.template is None:
        raise TemplateMissingError(
            f"the handler ABI '{chosen.name}' ({chosen.origin}) has no template.\nKnown: {_known(configuration)}."
        )
    paths = write_model(chosen.template, folder, more={FILE_NAME: f"[model]\n{setting}\n"})
    click.echo(f"A handler of ABI {chosen.name} for image version {image.name}:")
    for path in paths:
        click.echo(f"    {path}")
    click.echo("\nNext:")
    for command in _next(folder, paths):
        click.echo(f"    {command}")


def _check_alone(abi: str, image: Image | None, configuration: Configuration) -> None:
    """That no flag names an image version of another ABI; where a variable or a file does, the flag wins."""
    for flag in ("image", "image_version"):
        setting = configuration.settings[flag]
        if image is not None and setting.layer is Layer.FLAG:
            raise OptionInvalidError(
                f"--abi {abi} and --{flag.replace('_', '-')} {setting.value} contradict each other: "
                f"image version {image.name} has the ABI {image.abi}.",
                hint="give one of them.",
            )


def _image_of_abi(name: str, configuration: Configuration) -> Image:
    """The image version of the ABI's own name, or else the youngest that has the ABI."""
    images = [image for image in configuration.images if image.abi == name]
    if not images:
        raise TemplateMissingError(f"no image version has the handler ABI '{name}'.\nKnown: {_known(configuration)}.")
    own = [image for image in images if image.name == name]
    # Of those that have no date, the last that was defined.
    return own[0] if own else max(enumerate(images), key=lambda pair: (str(pair[1].released or ""), pair[0]))[1]


def _setting(configuration: Configuration) -> str:
    """The image version as it was asked for: a younger one than all known may be known tomorrow."""
    reference, version = configuration.settings["image"], configuration.settings["image_version"]
    name, value = ("image", reference) if reference.layer >= version.layer else ("image_version", version)
    return f'{name} = "{value.value}"'


def _known(configuration: Configuration) -> str:
    used = {image.abi for image in configuration.images}
    names = [abi.name for abi in configuration.plugins.abis() if abi.template is not None and abi.name in used]
    return ", ".join(sorted(names)) or "none"


def _next(folder: Path, paths: Sequence[Path]) -> list[str]:
    request = next((path.relative_to(folder) for path in paths if path.stem == "request"), None)
    return [
        *([] if folder.samefile(Path.cwd()) else [f"cd {shlex.quote(str(folder))}"]),
        *([f"abeja-runtime run-local --input {request}"] if request else []),
        "abeja-runtime test",
        "abeja-runtime --reload",
    ]
