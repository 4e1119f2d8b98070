"""Resolves the options of one command: flag > environment > file > image > built-in."""

import difflib
import os
import tomllib
from collections.abc import Mapping
from enum import IntEnum
from pathlib import Path
from typing import Any

import attrs
from attrs import frozen

from abeja.runtime.errors import ConfigFileInvalidError, OptionInvalidError
from abeja.runtime.excerpt import excerpt_of_key, excerpt_of_syntax_error
from abeja.runtime.images import Images, version_of
from abeja.runtime.options import Options, Row, default_of, rows
from abeja.runtime.plugins import Plugins
from abeja.runtime.types import Image

FILE_NAME = "abeja-runtime.toml"
TOOL_TABLE = "abeja-runtime"


@frozen
class ConfigFile:
    """The user's file.

    Attributes:
        origin: its path, with the table in it; empty if there is none.
        tables: its contents.
        path: of the file; None if there is none.
    """

    origin: str
    tables: Mapping[str, Any]
    path: Path | None = None

    @classmethod
    def find(cls, model_dir: Path, explicit: str | None) -> "ConfigFile":
        """The file named by `explicit`, else abeja-runtime.toml or pyproject.toml in the model's folder.

        Raises:
            ConfigFileInvalidError: the named file does not exist, or the file is not TOML or has unknown keys.
        """
        if explicit is not None:
            return _read(Path(explicit).expanduser())
        own, shared = model_dir / FILE_NAME, model_dir / "pyproject.toml"
        # Also what cannot be read, such as a folder: nobody else gives anything this name.
        if os.path.lexists(own):
            return _read(own)
        found = _read(shared) if shared.is_file() else None
        return found if found is not None and found.tables else cls("", {})

    def excerpt(self, key: str) -> str:
        """The lines of the file that give a dotted key, for an error; empty if they are not found."""
        return _excerpt(self.path, *key.split(".", 1)) if self.path is not None else ""

    def excerpt_of_image(self, name: str, option: str) -> str:
        """The lines that give an option in the table of an image version; empty if they are not found."""
        if self.path is None:
            return ""
        return _excerpt(self.path, f"image.{name}.options", option) or _excerpt(self.path, f"image.{name}", "options")

    def value(self, key: str) -> Any:
        """The value of a dotted key, None if it is not there."""
        table, _, name = key.partition(".")
        section = self.tables.get(table, {})
        return section.get(name) if name else None


class Layer(IntEnum):
    """Where a value comes from; a higher layer wins."""

    BUILT_IN = 0
    IMAGE = 1
    FILE = 2
    ENVIRONMENT = 3
    FLAG = 4

    def __str__(self) -> str:
        return self.name.lower().replace("_", "-")


@frozen
class Setting:
    """One option's value with where it comes from.

    Attributes:
        value: parsed.
        layer: the highest one that gave it.
        origin: the same for a person, with the name that it has there.
    """

    value: Any
    layer: Layer
    origin: str


@frozen(kw_only=True)
class Catalogue:
    """What can be asked for: the user's file, the plugins, the image versions.

    Attributes:
        model_dir: the model's folder.
        file: the user's file.
        plugins: all plugins.
        images: all image versions.
    """

    model_dir: Setting
    file: ConfigFile
    plugins: Plugins
    images: Images


@frozen(kw_only=True)
class Configuration:
    """Everything that one command was told.

    Attributes:
        options: the values.
        settings: the values with their origins, by option name.
        image: the image version, None if none was asked for.
        images: all image versions.
        plugins: all plugins.
    """

    options: Options
    settings: Mapping[str, Setting]
    image: Image | None
    images: Images
    plugins: Plugins

    def require_image(self) -> Image:
        """The image version.

        Raises:
            OptionInvalidError: none was asked for.
        """
        if self.image is None:
            names = ", ".join(sorted(image.name for image in self.images))
            raise OptionInvalidError(
                f"the image version of the handler is not given.\nKnown: {names}.",
                hint="--image-version names it; `abeja-runtime images` says what each is.",
            )
        return self.image


def catalogue(flags: Mapping[str, Any], *, environ: Mapping[str, str] = os.environ) -> Catalogue:
    """Find the user's file, the plugins and the image versions.

    Args:
        flags: as for `resolve`.
        environ: the environment.

    Raises:
        ConfigurationError: the file cannot be used.
    """
    table = rows()
    no_file = ConfigFile("", {})
    model_dir = _setting(table["model_dir"], flags.get("model_dir"), environ, no_file, None)
    model_dir = model_dir or Setting(Path.cwd(), Layer.BUILT_IN, "built-in (the current folder)")
    file = ConfigFile.find(model_dir.value, flags.get("config") or environ.get("ABEJA_RUNTIME_CONFIG") or None)
    named, blocked = (
        _setting(table[name], flags.get(name), environ, file, None) for name in ("plugin", "block_plugin")
    )
    plugins = Plugins.installed(files=named.value if named else (), blocked=blocked.value if blocked else ())
    images = Images(
        provided=plugins.images(),
        conflicts=plugins.conflicts("image"),
        user_tables=file.tables.get("image", {}),
        user_origin=file.origin,
        not_in_service=plugins.not_in_service(),
    )
    return Catalogue(model_dir=model_dir, file=file, plugins=plugins, images=images)


def resolve(
    flags: Mapping[str, Any],
    *,
    environ: Mapping[str, str] = os.environ,
    defaults: Mapping[str, Any] | None = None,
) -> Configuration:
    """Resolve all options.

    Args:
        flags: what the command line gave, by option name; None for what it did not give. The
            extra name ``config`` is the path of the user's file.
        environ: the environment.
        defaults: built-in values of this command that differ from those of the options.

    Raises:
        ConfigurationError: a value cannot be used, or the file cannot.
        PluginError: a plugin that ``--plugin`` names cannot be used.
    """
    known = catalogue(flags, environ=environ)
    known.plugins.require_files()
    image = _image(flags, environ, known)
    settings = {
        name: _setting(row, flags.get(name), environ, known.file, image) or _default(name, known, defaults or {})
        for name, row in rows().items()
    }
    options = Options(**{name: setting.value for name, setting in settings.items()})
    return Configuration(options=options, settings=settings, image=image, images=known.images, plugins=known.plugins)


def _image(flags: Mapping[str, Any], environ: Mapping[str, str], known: Catalogue) -> Image | None:
    table = rows()
    reference = _setting(table["image"], flags.get("image"), environ, known.file, None)
    version = _setting(table["image_version"], flags.get("image_version"), environ, known.file, None)
    if (
        reference is not None
        and version is not None
        and reference.layer == version.layer
        and version_of(reference.value) != version.value
    ):
        raise OptionInvalidError(
            f"--image {reference.value} and --image-version {version.value} contradict each other.",
            hint="give one of them.",
        )
    if reference is not None and (version is None or reference.layer > version.layer):
        return known.images.select(version_of(reference.value))
    return known.images.select(version.value) if version is not None else None


def _setting(row: Row, flag: Any, environ: Mapping[str, str], file: ConfigFile, image: Image | None) -> Setting | None:
    candidates = [
        (flag if flag not in (None, (), []) else None, Layer.FLAG, row.flags[-1]),
        (environ.get(row.variable) or None, Layer.ENVIRONMENT, row.variable),
        (file.value(row.key), Layer.FILE, f"{file.origin} {row.key}"),
        (_of_image(row, image), Layer.IMAGE, image.name if image else ""),
    ]
    given = [Setting(value, layer, f"{layer} {name}") for value, layer, name in candidates if value is not None]
    if not given:
        return None
    if not row.is_merged:
        return attrs.evolve(given[0], value=_parsed(row, given[0], file, image))
    parsed = [_parsed(row, setting, file, image) for setting in given]
    merged = {key: item for values in reversed(parsed) for key, item in values.items()}
    return Setting(merged, given[0].layer, " + ".join(setting.origin for setting in given))


def _of_image(row: Row, image: Image | None) -> Any:
    return image.options.get(row.name_in_file) if image is not None and row.is_of_image else None


def _default(name: str, known: Catalogue, defaults: Mapping[str, Any]) -> Setting:
    if name == "model_dir":
        return known.model_dir
    value = defaults[name] if name in defaults else default_of(getattr(attrs.fields(Options), name))
    return Setting(value, Layer.BUILT_IN, "built-in")


def _parsed(row: Row, setting: Setting, file: ConfigFile, image: Image | None) -> Any:
    try:
        return row.parse(setting.value)
    except ValueError as error:
        where, excerpt = setting.origin, ""
        if setting.layer is Layer.FILE:
            excerpt = file.excerpt(row.key)
        elif setting.layer is Layer.IMAGE and image is not None:
            where = f'{image.origin}: [image."{image.name}"] options.{row.name_in_file}'
            excerpt = file.excerpt_of_image(image.name, row.name_in_file)
        raise OptionInvalidError(f"{where}: {error}.", hint=row.help, excerpt=excerpt) from error


def _read(path: Path) -> ConfigFile:
    try:
        tables = tomllib.loads(path.read_text(encoding="utf-8-sig"))
    except FileNotFoundError:
        raise ConfigFileInvalidError(f"there is no configuration file {path}.") from None
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError, RecursionError) as error:
        reason = (error.strerror if isinstance(error, OSError) else None) or error
        raise ConfigFileInvalidError(
            f"{path} cannot be read as TOML: {reason}.", excerpt=excerpt_of_syntax_error(path, error)
        ) from error
    origin = str(path)
    if path.name == "pyproject.toml":
        origin = f"{path} [tool.{TOOL_TABLE}]"
        tool = tables.get("tool", {})
        tables = tool.get(TOOL_TABLE, {}) if isinstance(tool, Mapping) else {}
        if not isinstance(tables, Mapping):
            raise ConfigFileInvalidError(f"{origin}: expected a table, found {tables!r}.")
    _check_keys(tables, origin, path)
    return ConfigFile(origin, tables, path)


def _excerpt(path: Path, section: str, name: str = "") -> str:
    prefix = f"tool.{TOOL_TABLE}." if path.name == "pyproject.toml" else ""
    return excerpt_of_key(path, f"{prefix}{section}", name)


def _check_keys(tables: Mapping[str, Any], origin: str, path: Path) -> None:
    known: dict[str, list[str]] = {}
    for row in rows().values():
        section, _, name = row.key.partition(".")
        known.setdefault(section, []).append(name)
    for section, table in tables.items():
        if section not in (*known, "image") or not section:
            raise ConfigFileInvalidError(
                _unknown(f"{origin}: [{section}]", section, ["image", *filter(None, known)]),
                excerpt=_excerpt(path, section),
            )
        if not isinstance(table, Mapping):
            raise ConfigFileInvalidError(
                f"{origin}: {section}: expected a table, found {table!r}.",
                hint=f"[{section}] is a table; options of the handler, such as image and handler, stand in [model].",
            )
        for name in table if section != "image" else ():
            if name not in known[section]:
                raise ConfigFileInvalidError(
                    _unknown(f"{origin}: {section}.{name}", name, known[section]),
                    excerpt=_excerpt(path, section, name),
                )


def _unknown(where: str, name: str, candidates: list[str]) -> str:
    near = difflib.get_close_matches(name, candidates, n=1)
    suggestion = f" Did you mean {near[0]}?" if near else ""
    return f"{where} is not known.{suggestion}\nKnown: {', '.join(candidates)}."
