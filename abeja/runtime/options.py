"""Every option in one row: flag, environment variable, key in the file, default, unit.

The built-in defaults are the ones below; above them stand, in this order, the image version, the
user's file, the environment, and the flags of the command line.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import attrs
from attrs import frozen

_KEY = "row"
_SIZE = re.compile(r"(\d+(?:\.\d+)?)\s*([KMGT]?)(I?B)?", re.IGNORECASE)
_VARIABLE_NAME = re.compile(r"[a-zA-Z_][a-zA-Z0-9_]*", re.ASCII)
_POWERS = {"": 0, "K": 1, "M": 2, "G": 3, "T": 4}


@frozen(kw_only=True)
class Row:
    """What is known of one option.

    Attributes:
        flags: on the command line.
        variable: in the environment; an empty value counts as unset.
        key: in the user's file, dotted; empty if it cannot stand there.
        parse: text (or a TOML value) -> value; raises ValueError with what was expected.
        help: one sentence.
        metavar: how the value is shown in the help, with its unit.
        is_repeatable: whether the flag may be given more than once, each adding to the others.
        is_flag: whether the flag takes no value.
    """

    flags: tuple[str, ...]
    variable: str
    key: str
    parse: Callable[[Any], Any]
    help: str
    metavar: str = ""
    is_repeatable: bool = False
    is_flag: bool = False


def _row(default: Any, *flags: str, **fields: Any) -> Any:
    return attrs.field(default=default, metadata={_KEY: Row(flags=flags, **fields)})


def rows() -> dict[str, Row]:
    """All options by name, in the order of the help."""
    return {attribute.name: attribute.metadata[_KEY] for attribute in attrs.fields(Options)}


def text(value: object) -> str:
    """Any text that is not blank."""
    if isinstance(value, float):
        raise ValueError(f"expected text, found the number {value} (quote it: a bare 18.10 is 18.1)")  # noqa: TRY004
    if not isinstance(value, str) or not value.strip():
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


def count_or_none(value: object) -> int:
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


def names(value: object) -> tuple[str, ...]:
    """Words separated by commas, or a list of them."""
    items = value.split(",") if isinstance(value, str) else value
    if not isinstance(items, Sequence) or not all(isinstance(item, str) for item in items):
        raise ValueError(f"expected names separated by commas, found {value!r}")
    return tuple(name for item in items for name in [item.strip()] if name)


def handler(value: object) -> str:
    """``<module>:<function>``."""
    parts = text(value).strip().split(":")
    if len(parts) != 2 or not all(parts) or "/" in parts[0] or "." in parts[1]:
        raise ValueError(f"expected <module>:<function>, found {value!r}")
    return ":".join(parts)


def environment(value: object) -> dict[str, str]:
    """``KEY:VALUE`` texts, split at the first colon, or a table."""
    if isinstance(value, Mapping):
        pairs = [(str(key), str(item)) for key, item in value.items()]
    else:
        items = [value] if isinstance(value, str) else value
        if not isinstance(items, Sequence):
            raise ValueError(f"expected KEY:VALUE, found {value!r}")  # noqa: TRY004 (one kind of error for all rows)
        pairs = [(key, item) for pair in items for key, _, item in [str(pair).partition(":")]]
    for key, _ in pairs:
        if not _VARIABLE_NAME.fullmatch(key):
            raise ValueError(f"expected KEY:VALUE with a name of letters, digits and _, found the name {key!r}")
    return dict(pairs)


def _integer(value: object) -> int:
    try:
        return int("" if isinstance(value, bool) else str(value))
    except ValueError:
        raise ValueError(f"expected a whole number, found {value!r}") from None


@frozen(kw_only=True)
class Options:
    """The options' values for one command."""

    image: str | None = _row(
        None, "-i", "--image", variable="ABEJA_RUNTIME_IMAGE", key="model.image", parse=text, metavar="REPO:TAG",
        help="Image of the handler, such as abeja/all-cpu:19.04; its tag is the image version.",
    )  # fmt: skip
    image_version: str | None = _row(
        None, "--image-version", variable="ABEJA_RUNTIME_IMAGE_VERSION", key="model.image_version", parse=text,
        metavar="VERSION", help="Image version of the handler, such as 19.04.",
    )  # fmt: skip
    handler: str = _row(
        "main:handler", "-h", "--handler", variable="HANDLER", key="model.handler", parse=handler,
        metavar="MODULE:FUNCTION", help="The function to serve, such as main:handler for `handler` in main.py.",
    )  # fmt: skip
    model_dir: Path = _row(
        Path(), "--model-dir", variable="ABEJA_USER_MODEL_ROOT", key="", parse=folder, metavar="DIR",
        help="Folder of the handler's module.",
    )  # fmt: skip
    environment: Mapping[str, str] = _row(
        attrs.Factory(dict), "-e", "--environment", variable="ABEJA_RUNTIME_ENVIRONMENT", key="model.env",
        parse=environment, metavar="KEY:VALUE", is_repeatable=True,
        help="Environment variable for the handler; may be given more than once.",
    )  # fmt: skip
    python: str | None = _row(
        None, "--python", variable="ABEJA_RUNTIME_PYTHON", key="model.python", parse=text, metavar="PATH|COMMAND",
        help="Python interpreter that runs the handler; without it, the one that runs abeja-runtime.",
    )  # fmt: skip
    host: str = _row(
        "127.0.0.1", "--host", variable="ABEJA_RUNTIME_HOST", key="server.host", parse=text, metavar="ADDRESS",
        help="Address to listen on; 0.0.0.0 for all.",
    )  # fmt: skip
    port: int = _row(
        5000, "-p", "--port", variable="PORT", key="server.port", parse=port, metavar="PORT",
        help="Port of the service.",
    )  # fmt: skip
    health_port: int = _row(
        5001, "--health-port", variable="HEALTHCHECK_PORT", key="server.health_port", parse=port, metavar="PORT",
        help="Port of the health checks: /health_check, /livez, /readyz.",
    )  # fmt: skip
    workers: int = _row(
        1, "--workers", variable="ABEJA_RUNTIME_WORKERS", key="server.workers", parse=count, metavar="COUNT",
        help="Worker processes; each runs one request at a time.",
    )  # fmt: skip
    timeout: float = _row(
        30.0, "--timeout", variable="ABEJA_RUNTIME_TIMEOUT", key="server.timeout", parse=seconds, metavar="SECONDS",
        help="Time that a worker may take for one request; then the answer is 504 and the worker is replaced.",
    )  # fmt: skip
    startup_timeout: float = _row(
        300.0, "--startup-timeout", variable="ABEJA_RUNTIME_STARTUP_TIMEOUT", key="server.startup_timeout",
        parse=seconds, metavar="SECONDS", help="Time that a worker may take to import the handler.",
    )  # fmt: skip
    queue: int = _row(
        100, "--queue", variable="ABEJA_RUNTIME_QUEUE", key="server.queue", parse=count_or_none, metavar="COUNT",
        help="Requests that may wait for a worker; further ones are answered 429.",
    )  # fmt: skip
    max_body: int = _row(
        512 * 1024**2, "--max-body", variable="ABEJA_RUNTIME_MAX_BODY", key="server.max_body", parse=size,
        metavar="SIZE", help="Largest request body, such as 512MB; larger ones are answered 413.",
    )  # fmt: skip
    strip_headers: tuple[str, ...] = _row(
        (), "--strip-headers", variable="ABEJA_RUNTIME_STRIP_HEADERS", key="server.strip_headers", parse=names,
        metavar="NAMES", help="Request headers kept from the handler beside Authorization and Proxy-Authorization.",
    )  # fmt: skip
    block_plugin: tuple[str, ...] = _row(
        (), "--block-plugin", variable="ABEJA_RUNTIME_BLOCK_PLUGIN", key="plugins.block", parse=names,
        metavar="PATTERN", help="Plugins not to load, such as encoder-csv or 'encoder-*'; separated by commas.",
    )  # fmt: skip
    log_level: str = _row(
        "info", "--log-level", variable="LOG_LEVEL", key="server.log_level", parse=text, metavar="LEVEL",
        help="debug, info, warning or error; anything else is info.",
    )  # fmt: skip
