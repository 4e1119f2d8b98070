"""Image versions: from a tag to the contract that a handler was written for."""

import datetime
import re
import tomllib
from collections.abc import Iterable, Iterator, Mapping
from importlib.resources import files
from typing import Any

import attrs

from abeja.runtime.errors import (
    AbejaRuntimeError,
    ImageInvalidError,
    ImageUnknownError,
    OptionInvalidError,
    PluginConflictError,
)
from abeja.runtime.options import default_of, rows
from abeja.runtime.types import Image

BUILT_IN = "abeja-runtime's images.toml"

# Year and month of the release; a letter marks a trial of it, as in 20.02a.
_VERSION = re.compile(r"(\d{2})\.(\d{2})([a-z]?)", re.ASCII)
_UNQUOTED = 'quote it: a bare 18.10 is the number 18.1 in TOML, so write [image."18.10"] and image_version = "18.10".'

_FIELDS: dict[str, type[Any]] = {
    "base": str,
    "abi": str,
    "encoders": list,
    "extractors": list,
    "installers": list,
    "python": str,
    "released": datetime.date,
    "provides": dict,
    "always": list,
    "aliases": list,
    "options": dict,
}
# For those who write TOML.
_WORDS = {str: "text", list: "an array of text", dict: "a table", datetime.date: "a date such as 2019-05-01"}
# What an image that says nothing of it has from its base.
_INHERITED = frozenset(_FIELDS) - {"base", "aliases"}
# Added to what the base has, one by one.
_TABLES = ("provides", "options")


class Images:
    """All image versions that one command knows.

    Args:
        provided: those of plugins.
        conflicts: why an image version of that name cannot be used, by name.
        user_tables: ``[image.<name>]`` tables of the user's file: new ones, and fields that
            override those of known ones.
        user_origin: the user's file, for messages.
        not_in_service: plugins that might have provided more, with the reason why they do not.

    Raises:
        ImageInvalidError: a table of the user's file has an unknown or wrong field.
    """

    def __init__(
        self,
        *,
        provided: Iterable[Image] = (),
        conflicts: Mapping[str, AbejaRuntimeError] | None = None,
        user_tables: Mapping[str, Any] | None = None,
        user_origin: str = "",
        not_in_service: Iterable[str] = (),
    ) -> None:
        self._not_in_service = tuple(not_in_service)
        self._images: dict[str, Image] = {}
        self._conflicts = dict(conflicts or {})
        for name, table in _built_in_tables().items():
            self._images[name] = _parse(name, table, origin=BUILT_IN)
        # By themselves: what users change in one of them is not to change another.
        self._images = {name: self._completed(image, ()) for name, image in self._images.items()}
        for image in provided:
            if image.name in self._images:
                self._conflicts[image.name] = _conflict(image, self._images[image.name])
            else:
                self._images[image.name] = image
        for name, table in (user_tables or {}).items():
            self._images[name] = _parse(name, table, origin=user_origin, known=self._images.get(name))
        self._complete_all()

    def __iter__(self) -> Iterator[Image]:
        return iter(self._images.values())

    def select(self, version: str) -> Image:
        """The image version for a tag such as ``19.04``.

        An unknown version that is younger than a known one is that one's: 19.04 "and later".

        Raises:
            ImageUnknownError: it is older than all known ones, or no version at all.
            PluginConflictError: two plugins define it, or two images have it as an alias.
            ImageInvalidError: its definition cannot be used.
        """
        if version in self._conflicts:
            raise self._conflicts[version]
        if version in self._images:
            return self._images[version]
        meant = [image for image in self._images.values() if version in image.aliases]
        if len(meant) > 1:
            raise _alias_conflict(version, meant)
        if meant:
            return meant[0]
        wanted = _version_key(version)
        earlier = [
            (key, image)
            for image in self._images.values()
            if (key := _version_key(image.name)) is not None and wanted is not None and key <= wanted
        ]
        if not earlier:
            raise self._unknown(version)
        return max(earlier, key=lambda pair: pair[0])[1]

    def _unknown(self, version: str) -> ImageUnknownError:
        hint = (
            "`abeja-runtime images` says what each is; others come from plugins, which `abeja-runtime plugins` lists, "
            'and from [image."<name>"] in abeja-runtime.toml.'
        )
        if self._not_in_service:
            hint += f" Not in service: {', '.join(self._not_in_service)}."
        return ImageUnknownError(
            f"no image version is known as '{version}'.\nKnown: {', '.join(sorted(self._images))}.", hint=hint
        )

    def _complete_all(self) -> None:
        """Give every image what it has from its base; one that cannot be used is an error when it is asked for."""
        for name, image in list(self._images.items()):
            try:
                _check_options(f'{image.origin}: [image."{name}"] options', image.options)
                self._images[name] = self._completed(image, ())
            except (ImageInvalidError, PluginConflictError) as error:
                self._conflicts.setdefault(name, error)
                del self._images[name]

    def _completed(self, image: Image, derived: tuple[str, ...]) -> Image:
        if not image.base:
            return image
        way = (*derived, image.name)
        if image.base in way:
            raise self._baseless(image, f"which is based on it: {' -> '.join((*way, image.base))}")
        if image.base in self._conflicts:
            raise self._conflicts[image.base]
        if image.base not in self._images:
            raise self._baseless(image, f"which is not known.\nKnown: {', '.join(sorted(self._images))}")
        base = self._completed(self._images[image.base], way)
        fields = [field for field in attrs.fields(Image) if field.name in _INHERITED]
        said = {f.name: value for f in fields if (value := getattr(image, f.name)) != default_of(f)}
        return attrs.evolve(base, **_merged(base, said), name=image.name, aliases=image.aliases, origin=image.origin)

    def _baseless(self, image: Image, reason: str) -> ImageInvalidError:
        return ImageInvalidError(f"{image.origin}: the image '{image.name}' is based on '{image.base}', {reason}.")


def version_of(reference: str) -> str:
    """The tag of an image reference such as ``abeja/all-cpu:19.04``.

    Raises:
        OptionInvalidError: it is not ``repository:tag``.
    """
    repository, colon, tag = reference.rpartition(":")
    if not colon or not repository or not tag or ":" in repository:
        raise OptionInvalidError(
            f"invalid image and tag format: '{reference}'; expected <repository>:<tag>.",
            hint="for example `--image abeja/all-cpu:19.04`, or `--image-version 19.04`.",
        )
    return tag


def _built_in_tables() -> Mapping[str, Any]:
    text = files("abeja.runtime").joinpath("images.toml").read_text(encoding="utf-8")
    tables: Mapping[str, Any] = tomllib.loads(text)["image"]
    return tables


def _version_key(text: str) -> tuple[int, int, str] | None:
    match = _VERSION.fullmatch(text)
    return (int(match[1]), int(match[2]), match[3]) if match else None


def _parse(name: str, table: object, *, origin: str, known: Image | None = None) -> Image:
    if not isinstance(table, Mapping) or _is_unquoted(name, table):
        raise ImageInvalidError(f"{origin}: the image '{name}' is not a table of fields.", hint=_UNQUOTED)
    for field, value in table.items():
        _check(name, field, value, origin)
    if not name.strip():
        raise ImageInvalidError(f"{origin}: an image has an empty name.", hint=_UNQUOTED)
    if known is not None:
        return attrs.evolve(known, **_merged(known, table), origin=f"{known.origin}, overridden by {origin}")
    if "base" not in table and ("abi" not in table or "encoders" not in table):
        raise ImageInvalidError(
            f"{origin}: the image '{name}' needs the fields abi and encoders, or a base.",
            hint='for example base = "19.04".',
        )
    return Image(name=name, **table, origin=origin)


def _merged(base: Image, fields: Mapping[str, Any]) -> dict[str, Any]:
    """The fields of an image that is like `base` but for `fields`: tables are added to those of the base."""
    return {name: {**getattr(base, name), **value} if name in _TABLES else value for name, value in fields.items()}


def _conflict(image: Image, other: Image) -> PluginConflictError:
    return PluginConflictError(
        f"the image '{image.name}' is provided by both {other.origin} and {image.origin}.",
        hint="block the plugin with --block-plugin; its author can rename the image.",
    )


def _alias_conflict(alias: str, images: Iterable[Image]) -> PluginConflictError:
    owners = " and ".join(f"'{image.name}' ({image.origin})" for image in images)
    return PluginConflictError(
        f"'{alias}' is an alias of the images {owners}.", hint="ask for one of them by its own name."
    )


def _check(name: str, field: str, value: object, origin: str) -> None:
    where = f'{origin}: [image."{name}"] {field}'
    if field not in _FIELDS:
        raise ImageInvalidError(f"{where} is not a field of an image.\nKnown: {', '.join(_FIELDS)}.")
    if isinstance(value, float):
        raise ImageInvalidError(f"{where}: expected text, found the number {value}.", hint=_UNQUOTED)
    # A datetime is a date too, for Python.
    if not isinstance(value, _FIELDS[field]) or isinstance(value, datetime.datetime):
        shown = value if isinstance(value, datetime.date) else repr(value)
        raise ImageInvalidError(f"{where}: expected {_WORDS[_FIELDS[field]]}, found {shown}.")
    if field == "options":
        _check_options(where, value)
    if isinstance(value, list) and not all(isinstance(item, str) for item in value):
        raise ImageInvalidError(f"{where}: expected an array of text, found {value!r}.")
    if field == "provides":
        _check_provides(where, value)


def _is_unquoted(name: str, table: Mapping[str, Any]) -> bool:
    """Whether [image.18.10] was written: TOML reads it as the table 10 in the table 18."""
    return name.isdigit() and any(field.isdigit() and isinstance(value, Mapping) for field, value in table.items())


def _check_options(where: str, options: Any) -> None:
    known = [row.name_in_file for row in rows().values() if row.is_of_image]
    for name in options:
        if name not in known:
            raise ImageInvalidError(f"{where}.{name} is not an option of an image.\nKnown: {', '.join(known)}.")


def _check_provides(where: str, value: Any) -> None:
    for module, asked in value.items():
        items = asked if isinstance(asked, list) else [asked]
        if not all(isinstance(item, str) for item in items):
            raise ImageInvalidError(
                f"{where}.{module}: expected a requirement, or a list of them, found {asked!r}.",
                hint='for example PIL = "Pillow".',
            )
