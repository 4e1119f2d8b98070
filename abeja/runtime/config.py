"""Resolves the options of one command: flag > environment > file > image > built-in."""

import difflib
import os
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import attrs
from attrs import frozen

from abeja.runtime.errors import ConfigFileInvalidError, OptionInvalidError
from abeja.runtime.images import Images, version_of
from abeja.runtime.options import Options, Row, rows
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
    """

    origin: str
    tables: Mapping[str, Any]

    @classmethod
    def find(cls, model_dir: Path, explicit: str | None) -> "ConfigFile":
        """The file named by `explicit`, else abeja-runtime.toml or pyproject.toml in the model's folder.

        Raises:
            ConfigFileInvalidError: the named file does not exist, or the file is not TOML or has unknown keys.
        """
        if explicit is not None:
            return _read(Path(explicit).expanduser())
        for path in (model_dir / FILE_NAME, model_dir / "pyproject.toml"):
            if path.is_file():
                found = _read(path)
                if found.tables or path.name == FILE_NAME:
                    return found
        return cls("", {})

    def value(self, key: str) -> Any:
        """The value of a dotted key, None if it is not there."""
        table, _, name = key.partition(".")
        section = self.tables.get(table, {})
        return section.get(name) if name else None


@frozen
class Setting:
    """One option's value with where it comes from."""

    value: Any
    origin: str


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
                hint="`--image-version 19.04` for handler(request, context); `latest` for the newest contract.",
            )
        return self.image


def resolve(flags: Mapping[str, Any], *, environ: Mapping[str, str] = os.environ) -> Configuration:
    """Resolve all options.

    Args:
        flags: what the command line gave, by option name; None for what it did not give. The
            extra name ``config`` is the path of the user's file.
        environ: the environment.

    Raises:
        ConfigurationError: a value cannot be used, or the file cannot.
    """
    table = rows()
    model_dir = _setting(table["model_dir"], flags.get("model_dir"), environ, ConfigFile("", {}), None)
    directory: Path = model_dir.value if model_dir else Path.cwd()
    file = ConfigFile.find(directory, flags.get("config") or environ.get("ABEJA_RUNTIME_CONFIG") or None)
    found = {
        name: setting
        for name, row in table.items()
        if (setting := _setting(row, flags.get(name), environ, file, None)) is not None
    }
    blocked = found["block_plugin"].value if "block_plugin" in found else ()
    plugins = Plugins.installed(blocked=blocked)
    images = Images(provided=plugins.images(), user_tables=file.tables.get("image", {}), user_origin=file.origin)
    image = _image(found, images)
    settings = {
        name: _setting(row, flags.get(name), environ, file, image) or _default(name, directory)
        for name, row in table.items()
    }
    options = Options(**{name: setting.value for name, setting in settings.items()})
    return Configuration(options=options, settings=settings, image=image, images=images, plugins=plugins)


def _image(found: Mapping[str, Setting], images: Images) -> Image | None:
    reference, version = found.get("image"), found.get("image_version")
    if reference is not None and version is not None:
        ranks = [_rank(reference), _rank(version)]
        if ranks[0] == ranks[1] and version_of(reference.value) != version.value:
            raise OptionInvalidError(
                f"--image {reference.value} and --image-version {version.value} contradict each other.",
                hint="give one of them.",
            )
        version = version if ranks[1] <= ranks[0] else None
    if version is not None:
        return images.select(version.value)
    return images.select(version_of(reference.value)) if reference is not None else None


def _rank(setting: Setting) -> int:
    return ["flag", "environment"].index(kind) if (kind := setting.origin.split()[0]) in ("flag", "environment") else 2


def _setting(row: Row, flag: Any, environ: Mapping[str, str], file: ConfigFile, image: Image | None) -> Setting | None:
    candidates = [
        (flag if flag not in (None, (), []) else None, f"flag {row.flags[-1]}"),
        (environ.get(row.variable) or None, f"environment {row.variable}"),
        (file.value(row.key), f"file {file.origin} {row.key}"),
        (image.options.get(row.key.rpartition(".")[2]) if image else None, f"image {image.name if image else ''}"),
    ]
    given = [Setting(_parse(row, value, origin), origin) for value, origin in candidates if value is not None]
    if not given:
        return None
    if isinstance(given[0].value, Mapping):
        merged = {key: item for setting in reversed(given) for key, item in setting.value.items()}
        return Setting(merged, " + ".join(setting.origin for setting in given))
    return given[0]


def _default(name: str, model_dir: Path) -> Setting:
    if name == "model_dir":
        return Setting(model_dir, "built-in (the current folder)")
    default = getattr(attrs.fields(Options), name).default
    return Setting(default.factory() if hasattr(default, "factory") else default, "built-in")


def _parse(row: Row, value: Any, origin: str) -> Any:
    try:
        return row.parse(value)
    except ValueError as error:
        raise OptionInvalidError(f"{origin}: {error}.", hint=row.help) from error


def _read(path: Path) -> ConfigFile:
    try:
        tables = tomllib.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise ConfigFileInvalidError(f"there is no configuration file {path}.") from None
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise ConfigFileInvalidError(f"{path} cannot be read as TOML: {error}.") from error
    origin = str(path)
    if path.name == "pyproject.toml":
        tables = tables.get("tool", {}).get(TOOL_TABLE, {})
        origin = f"{path} [tool.{TOOL_TABLE}]"
    _check_keys(tables, origin)
    return ConfigFile(origin, tables)


def _check_keys(tables: Mapping[str, Any], origin: str) -> None:
    known: dict[str, list[str]] = {}
    for row in rows().values():
        section, _, name = row.key.partition(".")
        known.setdefault(section, []).append(name)
    for section, table in tables.items():
        if section == "image":
            continue
        if section not in known or not section:
            raise ConfigFileInvalidError(_unknown(f"{origin}: [{section}]", section, ["image", *filter(None, known)]))
        if not isinstance(table, Mapping):
            raise ConfigFileInvalidError(f"{origin}: {section}: expected a table, found {table!r}.")
        for name in table:
            if name not in known[section]:
                raise ConfigFileInvalidError(_unknown(f"{origin}: {section}.{name}", name, known[section]))


def _unknown(where: str, name: str, candidates: list[str]) -> str:
    near = difflib.get_close_matches(name, candidates, n=1)
    suggestion = f" Did you mean {near[0]}?" if near else ""
    return f"{where} is not known.{suggestion}\nKnown: {', '.join(candidates)}."
