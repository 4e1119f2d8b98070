"""Where packages come from: pip's settings, as pip reads them, for uv."""

import configparser
import os
import sys
from collections.abc import Mapping
from pathlib import Path

from attrs import frozen

# pip's setting -> whether it may have several values.
_SETTINGS = {
    "index-url": False,
    "extra-index-url": True,
    "find-links": True,
    "trusted-host": True,
    "no-index": False,
    "cert": False,
}
# The variables that say the same to uv; where one is set, the user has spoken to uv itself.
_UV_VARIABLES = {
    "index-url": ("UV_INDEX_URL", "UV_DEFAULT_INDEX"),
    "extra-index-url": ("UV_EXTRA_INDEX_URL", "UV_INDEX"),
    "find-links": ("UV_FIND_LINKS",),
    "trusted-host": ("UV_INSECURE_HOST",),
    "no-index": ("UV_NO_INDEX",),
    "cert": ("SSL_CERT_FILE",),
}
_UV_FLAGS = {"trusted-host": "--allow-insecure-host"}
_FALSE = {"", "0", "no", "off", "false", "n", "f"}


@frozen
class Indexes:
    """pip's settings of where packages come from.

    Attributes:
        settings: values by pip's names.
        environ: the variables that they were read from.
    """

    settings: Mapping[str, tuple[str, ...]]
    environ: Mapping[str, str]

    @classmethod
    def configured(cls, environ: Mapping[str, str] = os.environ) -> "Indexes":
        """The settings in force: pip's configuration files, and the variables ``PIP_*`` above them.

        Source: https://pip.pypa.io/en/stable/topics/configuration/
        """
        settings: dict[str, str] = {}
        for path in _files(environ):
            settings |= _read(path)
        for name in _SETTINGS:
            value = environ.get("PIP_" + name.upper().replace("-", "_"))
            if value:
                settings[name] = value
        return cls({name: _values(name, value) for name, value in sorted(settings.items())}, environ)

    @property
    def uv_arguments(self) -> list[str]:
        """The same settings as arguments of uv, without those that uv's own variables give."""
        arguments = []
        for name, values in self.settings.items():
            if name == "cert" or any(self.environ.get(variable) for variable in _UV_VARIABLES[name]):
                continue
            if name == "no-index":
                arguments += [] if values[0].lower() in _FALSE else ["--no-index"]
            else:
                arguments += [word for value in values for word in (_UV_FLAGS.get(name, f"--{name}"), value)]
        return arguments

    @property
    def uv_variables(self) -> dict[str, str]:
        """Variables that uv needs for the same settings."""
        # pip takes the best version of all indexes; uv by itself stops at the first that has the package.
        variables = {"UV_INDEX_STRATEGY": self.environ.get("UV_INDEX_STRATEGY") or "unsafe-best-match"}
        if "cert" in self.settings and not self.environ.get("SSL_CERT_FILE"):
            variables["SSL_CERT_FILE"] = self.settings["cert"][0]
        return variables

    @property
    def identity(self) -> dict[str, object]:
        """What of it decides which packages are installed."""
        variables = [variable for names in _UV_VARIABLES.values() for variable in names]
        spoken = {variable: self.environ[variable] for variable in variables if self.environ.get(variable)}
        return {**self.settings, **spoken}


def _files(environ: Mapping[str, str]) -> list[Path]:
    """The configuration files of pip, the strongest last."""
    explicit = environ.get("PIP_CONFIG_FILE")
    if explicit == os.devnull:
        return []
    home = Path(environ.get("HOME") or "~").expanduser()
    site = [Path(folder, "pip", "pip.conf") for folder in (environ.get("XDG_CONFIG_DIRS") or "/etc/xdg").split(":")]
    user = Path(environ.get("XDG_CONFIG_HOME") or home / ".config", "pip", "pip.conf")
    paths = [*reversed(site), Path("/etc/pip.conf"), home / ".pip" / "pip.conf", user, Path(sys.prefix, "pip.conf")]
    return [*paths, Path(explicit)] if explicit else paths


def _read(path: Path) -> dict[str, str]:
    parser = configparser.RawConfigParser()
    try:
        parser.read(path, encoding="utf-8")
    except (configparser.Error, UnicodeDecodeError, OSError):
        # pip itself says what is wrong with it, and to whoever calls pip.
        return {}
    found: dict[str, str] = {}
    for section in ("global", "install"):
        if parser.has_section(section):
            options = {key.replace("_", "-"): value for key, value in parser.items(section)}
            found |= {name: value for name, value in options.items() if name in _SETTINGS and value.strip()}
    return found


def _values(name: str, value: str) -> tuple[str, ...]:
    values = tuple(value.split()) if _SETTINGS[name] else (value.strip(),)
    # An index in a folder that is not there is nothing to pip, and an error to uv.
    return tuple(value for value in values if not value.startswith("file://") or Path(value[7:]).exists())
