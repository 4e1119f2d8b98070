"""Values of options: from text, or from TOML, to Python.

Each function raises ValueError with what was expected and what was found.
"""

import datetime
import re
from collections.abc import Mapping, Sequence
from pathlib import Path

from abeja.runtime.worker import sendable

_SIZE = re.compile(r"(\d{1,18}(?:\.\d{1,18})?)\s*([KMGT]?)(I?B)?", re.IGNORECASE)
_VARIABLE_NAME = re.compile(r"[a-zA-Z_][a-zA-Z0-9_]*", re.ASCII)
_ON = ("true", "1", "yes", "on")
_OFF = ("false", "0", "no", "off")
_POWERS = {"": 0, "K": 1, "M": 2, "G": 3, "T": 4}


def text(value: object) -> str:
    """Any text that is not blank."""
    if isinstance(value, float):
        raise ValueError(f"expected text, found the number {value} (quote it: a bare 18.10 is 18.1)")  # noqa: TRY004
    if not isinstance(value, str) or not value.strip() or "\0" in value:
        raise ValueError(f"expected text, found {value!r}")
    return value


def folder(value: object) -> Path:
    """A path, made absolute."""
    return Path(text(value)).expanduser().absolute()


def port(value: object) -> int:
    """A TCP port; 0 lets the system choose."""
    number = _integer(value)
    if not 0 <= number <= 65535:
        raise ValueError(f"expected a port number from 0 to 65535, found {value!r}")
    return number


def count(value: object) -> int:
    """A whole number from 1."""
    number = _integer(value)
    if number < 1:
        raise ValueError(f"expected a whole number from 1, found {value!r}")
    return number


def count_from_zero(value: object) -> int:
    """A whole number from 0."""
    number = _integer(value)
    if number < 0:
        raise ValueError(f"expected a whole number from 0, found {value!r}")
    return number


def seconds(value: object) -> float:
    """A positive number of seconds."""
    try:
        number = float(str(value)) if not isinstance(value, bool) else 0.0
    except ValueError:
        number = 0.0
    if not 0 < number < float("inf"):
        raise ValueError(f"expected a positive number of seconds, found {value!r}")
    return number


def size(value: object) -> int:
    """A number of bytes, with K, M, G or T for powers of 1024."""
    match = _SIZE.fullmatch(str(value).strip())
    if match is None or isinstance(value, bool):
        raise ValueError(f"expected a size such as 512MB or 1.5G, found {value!r}")
    return int(float(match[1]) * 1024 ** _POWERS[match[2].upper()])


def switch(value: object) -> bool:
    """On or off: ``true`` or ``false``, also ``1`` or ``0``, ``yes`` or ``no``, ``on`` or ``off``."""
    word = str(value).strip().lower()
    if word not in _ON and word not in _OFF:
        raise ValueError(f"expected true or false, found {value!r}")
    return word in _ON


def names(value: object) -> tuple[str, ...]:
    """Words separated by commas, or a list of them."""
    items = [value] if isinstance(value, str) else value
    if not isinstance(items, Sequence) or not all(isinstance(item, str) for item in items):
        raise ValueError(f"expected names separated by commas, found {value!r}")
    return tuple(name for item in items for word in item.split(",") for name in [word.strip()] if name)


def header_names(value: object) -> tuple[str, ...]:
    """Names of headers separated by commas, or a list of them."""
    found = names(value)
    for name in found:
        if not sendable.TOKEN.fullmatch(name):
            raise ValueError(f"expected names of headers separated by commas, found {name!r}")
    return found


def files(value: object) -> tuple[Path, ...]:
    """Paths separated by commas, or a list of them, made absolute."""
    return tuple(Path(name).expanduser().absolute() for name in names(value))


def handler(value: object) -> str:
    """``<module>:<function>``."""
    parts = text(value).strip().split(":")
    if len(parts) != 2 or not all(parts) or "/" in parts[0] or "." in parts[1]:
        raise ValueError(f"expected <module>:<function>, found {value!r}")
    return ":".join(parts)


def date_or_none(value: object) -> datetime.date | str:
    """A day such as ``2019-05-01``, or the word ``none``."""
    # A datetime is a date too, for Python.
    if isinstance(value, datetime.date) and not isinstance(value, datetime.datetime):
        return value
    if value == "none":
        return "none"
    try:
        return datetime.date.fromisoformat(str(value))
    except ValueError:
        shown = value if isinstance(value, datetime.datetime) else repr(value)
        raise ValueError(f"expected a day such as 2019-05-01, or none, found {shown}") from None


def install_tool(value: object) -> str:
    """``uv`` or ``pip``."""
    if value not in ("uv", "pip"):
        raise ValueError(f"expected uv or pip, found {value!r}")
    return str(value)


def log_format(value: object) -> str:
    """``auto``, ``text`` or ``json``."""
    if value not in ("auto", "text", "json"):
        raise ValueError(f"expected auto, text or json, found {value!r}")
    return str(value)


def http(value: object) -> str:
    """``llhttp`` or ``tornado``."""
    if value not in ("llhttp", "tornado"):
        raise ValueError(f"expected llhttp or tornado, found {value!r}")
    return str(value)


def environment(value: object) -> dict[str, str]:
    """``KEY:VALUE`` texts, one to a line, split at the first colon; or a table of texts and numbers.

    ``KEY`` alone has the empty text as its value, as on the vendor's command line.
    """
    if isinstance(value, Mapping):
        pairs = [(str(key), _variable(str(key), item)) for key, item in value.items()]
    else:
        items = value.splitlines() if isinstance(value, str) else value
        if not isinstance(items, Sequence):
            raise ValueError(f"expected KEY:VALUE, found {value!r}")  # noqa: TRY004 (one kind of error for all rows)
        pairs = [(key, item) for pair in items for key, _, item in [str(pair).partition(":")]]
    if any("\0" in item for _, item in pairs):
        raise ValueError("expected values without NUL characters")
    for key, _ in pairs:
        if not _VARIABLE_NAME.fullmatch(key):
            raise ValueError(f"expected KEY:VALUE with a name of letters, digits and _, found the name {key!r}")
    return dict(pairs)


def _variable(key: str, value: object) -> str:
    # How they are spelt for a handler, as `true` or `True`, is its own matter.
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        shown = str(value).lower() if isinstance(value, bool) else repr(value)
        raise ValueError(f"expected text or a number for {key}, found {shown}")  # noqa: TRY004 (one kind of error)
    return str(value)


def _integer(value: object) -> int:
    try:
        return int("" if isinstance(value, bool) else str(value))
    except ValueError:
        raise ValueError(f"expected a whole number, found {value!r}") from None
