"""Every option in one row: flag, environment variable, key in the file, default, unit.

The built-in defaults are the ones below; above them stand, in this order, the image version, the
user's file, the environment, and the flags of the command line.
"""

import datetime
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import attrs
from attrs import frozen

from abeja.runtime import values

_KEY = "row"


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
        is_merged: whether the values of all layers are put together: they are mappings.
        is_of_image: whether an image version may give it.
    """

    flags: tuple[str, ...]
    variable: str
    key: str
    parse: Callable[[Any], Any]
    help: str
    metavar: str = ""
    is_repeatable: bool = False
    is_merged: bool = False
    is_of_image: bool = True

    @property
    def name_in_file(self) -> str:
        """The last part of its key."""
        return self.key.rpartition(".")[2]


def _row(default: Any, *flags: str, **fields: Any) -> Any:
    return attrs.field(default=default, metadata={_KEY: Row(flags=flags, **fields)})


def default_of(field: "attrs.Attribute[Any]") -> Any:
    """The default of an attrs field, made if it is made by a factory."""
    default: Any = field.default
    return default.factory() if hasattr(default, "factory") else default


def rows() -> dict[str, Row]:
    """All options by name, in the order of the help."""
    return {attribute.name: attribute.metadata[_KEY] for attribute in attrs.fields(Options)}


@frozen(kw_only=True)
class Options:
    """The options' values for one command."""

    image: str | None = _row(
        None,
        "-i",
        "--image",
        variable="ABEJA_RUNTIME_IMAGE",
        key="model.image",
        is_of_image=False,
        parse=values.text,
        metavar="REPO:TAG",
        help="Image of the handler, such as abeja/all-cpu:19.04; its tag is the image version.",
    )
    image_version: str | None = _row(
        None,
        "--image-version",
        variable="ABEJA_RUNTIME_IMAGE_VERSION",
        key="model.image_version",
        is_of_image=False,
        parse=values.text,
        metavar="VERSION",
        help="Image version of the handler, such as 19.04.",
    )
    handler: str = _row(
        "main:handler",
        "-h",
        "--handler",
        variable="HANDLER",
        key="model.handler",
        parse=values.handler,
        metavar="MODULE:FUNCTION",
        help="The function to serve, such as main:handler for `handler` in main.py.",
    )
    model_dir: Path = _row(
        Path(),
        "--model-dir",
        variable="ABEJA_USER_MODEL_ROOT",
        key="",
        is_of_image=False,
        parse=values.folder,
        metavar="DIR",
        help="Folder of the handler's module.",
    )
    environment: Mapping[str, str] = _row(
        attrs.Factory(dict),
        "-e",
        "--environment",
        variable="ABEJA_RUNTIME_ENVIRONMENT",
        key="model.env",
        is_merged=True,
        parse=values.environment,
        metavar="KEY:VALUE",
        is_repeatable=True,
        help="Environment variable for the handler; may be given more than once.",
    )
    python: str | None = _row(
        None,
        "--python",
        variable="ABEJA_RUNTIME_PYTHON",
        key="model.python",
        parse=values.text,
        metavar="VERSION|PATH",
        help="Python that runs the handler: a version such as 3.6, a path, or a command; "
        "without it, that of the model's files or of the image version, or with --env inherit the one that runs "
        "abeja-runtime.",
    )
    env: str = _row(
        "auto",
        "--env",
        variable="ABEJA_RUNTIME_ENV",
        key="packages.env",
        # An image's `env` is the one of [model]: variables for the handler.
        is_of_image=False,
        parse=values.text,
        metavar="auto|inherit|PATH",
        help="Where the handler's packages are: auto installs what the model needs, inherit takes what its Python has, "
        "PATH is an existing virtual environment.",
    )
    as_of: datetime.date | str | None = _row(
        None,
        "--as-of",
        variable="ABEJA_RUNTIME_AS_OF",
        key="packages.as_of",
        parse=values.date_or_none,
        metavar="DATE|none",
        help="Day as of which unpinned packages are resolved; without it, the release of the image version.",
    )
    installer: str = _row(
        "uv",
        "--installer",
        variable="ABEJA_RUNTIME_INSTALLER",
        key="packages.installer",
        parse=values.install_tool,
        metavar="uv|pip",
        help="Tool that installs packages; pip is that of the handler's Python and knows no dates.",
    )
    training_result: str | None = _row(
        None,
        "--training-result",
        variable="ABEJA_RUNTIME_TRAINING_RESULT",
        key="model.training_result",
        parse=values.text,
        metavar="PATH|URL",
        help="Archive or folder, or a URL of an archive, that is extracted for the handler before it is loaded.",
    )
    max_training_result: int = _row(
        64 * 1024**3,
        "--max-training-result",
        variable="ABEJA_RUNTIME_MAX_TRAINING_RESULT",
        key="model.max_training_result",
        parse=values.size,
        metavar="SIZE",
        help="Largest training result, downloaded or extracted, such as 64GB.",
    )
    host: str = _row(
        "127.0.0.1",
        "--host",
        variable="ABEJA_RUNTIME_HOST",
        key="server.host",
        parse=values.text,
        metavar="ADDRESS",
        help="Address to listen on; 0.0.0.0 for all.",
    )
    port: int = _row(
        5000,
        "-p",
        "--port",
        variable="PORT",
        key="server.port",
        parse=values.port,
        metavar="PORT",
        help="Port of the service.",
    )
    health_port: int = _row(
        5001,
        "--health-port",
        variable="HEALTHCHECK_PORT",
        key="server.health_port",
        parse=values.port,
        metavar="PORT",
        help="Port of the health checks and of the console: /health_check, /livez, /readyz, /metrics, /console.",
    )
    console: bool = _row(
        True,  # noqa: FBT003 (the default, as in every row)
        "--console/--no-console",
        variable="ABEJA_RUNTIME_CONSOLE",
        key="server.console",
        parse=values.switch,
        help="Show the page /console on the management port, which tries the handler and shows the log.",
    )
    console_hosts: tuple[str, ...] = _row(
        (),
        "--console-host",
        variable="ABEJA_RUNTIME_CONSOLE_HOST",
        key="server.console_hosts",
        is_repeatable=True,
        parse=values.names,
        metavar="NAMES",
        help="Host names under which browsers reach the console, beside addresses, localhost and the machine's name.",
    )
    workers: int = _row(
        1,
        "--workers",
        variable="ABEJA_RUNTIME_WORKERS",
        key="server.workers",
        parse=values.count,
        metavar="COUNT",
        help="Worker processes; each runs --concurrency requests at once.",
    )
    concurrency: int = _row(
        1,
        "--concurrency",
        variable="ABEJA_RUNTIME_CONCURRENCY",
        key="server.concurrency",
        parse=values.count,
        metavar="COUNT",
        help="Requests that one worker runs at once; with more than one, the handler must be thread-safe.",
    )
    fronts: int = _row(
        1,
        "--fronts",
        variable="ABEJA_RUNTIME_FRONTS",
        key="server.fronts",
        parse=values.count,
        metavar="COUNT",
        help="Processes that speak HTTP; with more than one, they are beside the one that has the workers.",
    )
    timeout: float | None = _row(
        30.0,
        "--timeout",
        variable="ABEJA_RUNTIME_TIMEOUT",
        key="server.timeout",
        parse=values.seconds,
        metavar="SECONDS",
        help="Time that a worker may take for one request; then the answer is 504 and the worker is replaced.",
    )
    startup_timeout: float = _row(
        300.0,
        "--startup-timeout",
        variable="ABEJA_RUNTIME_STARTUP_TIMEOUT",
        key="server.startup_timeout",
        parse=values.seconds,
        metavar="SECONDS",
        help="Time that a worker may take to import the handler.",
    )
    max_requests: int | None = _row(
        None,
        "--max-requests",
        variable="ABEJA_RUNTIME_MAX_REQUESTS",
        key="server.max_requests",
        parse=values.count,
        metavar="COUNT",
        help="Renew a worker after so many requests, or up to a tenth more; without it, never.",
    )
    max_rss: int | None = _row(
        None,
        "--max-rss",
        variable="ABEJA_RUNTIME_MAX_RSS",
        key="server.max_rss",
        parse=values.size,
        metavar="SIZE",
        help="Renew a worker that uses more memory, such as 4GB; without it, never.",
    )
    max_age: float | None = _row(
        None,
        "--max-age",
        variable="ABEJA_RUNTIME_MAX_AGE",
        key="server.max_age",
        parse=values.seconds,
        metavar="SECONDS",
        help="Renew a worker after this time, or up to a tenth more; without it, never.",
    )
    reload: bool = _row(
        False,  # noqa: FBT003 (the default, as in every row)
        "--reload",
        variable="ABEJA_RUNTIME_RELOAD",
        key="server.reload",
        is_of_image=False,
        parse=values.switch,
        help="Renew the workers when a file of the model's folder changes: for development.",
    )
    queue: int = _row(
        100,
        "--queue",
        variable="ABEJA_RUNTIME_QUEUE",
        key="server.queue",
        parse=values.count_from_zero,
        metavar="COUNT",
        help="Requests that may wait for a worker; further ones are answered 429.",
    )
    max_body: int = _row(
        512 * 1024**2,
        "--max-body",
        variable="ABEJA_RUNTIME_MAX_BODY",
        key="server.max_body",
        parse=values.size,
        metavar="SIZE",
        help="Largest request body, such as 512MB; larger ones are answered 413.",
    )
    body_memory: int = _row(
        16 * 1024**2,
        "--body-memory",
        variable="ABEJA_RUNTIME_BODY_MEMORY",
        key="server.body_memory",
        parse=values.size,
        metavar="SIZE",
        help="Memory for bodies of 64 KB to 4 MB: so much for requests, and as much for each worker's answers; "
        "0 for none. What finds no place there goes to TMPDIR.",
    )
    max_connections: int | None = _row(
        None,
        "--max-connections",
        variable="ABEJA_RUNTIME_MAX_CONNECTIONS",
        key="server.max_connections",
        parse=values.count,
        metavar="COUNT",
        help="Open connections to the service port, further ones wait; without it, as many as descriptors allow.",
    )
    idle_timeout: float = _row(
        75.0,
        "--idle-timeout",
        variable="ABEJA_RUNTIME_IDLE_TIMEOUT",
        key="server.idle_timeout",
        parse=values.seconds,
        metavar="SECONDS",
        help="Time for which a connection may be idle, a request's head may take, and its body may pause.",
    )
    http: str = _row(
        "llhttp",
        "--http",
        variable="ABEJA_RUNTIME_HTTP",
        key="server.http",
        parse=values.http,
        metavar="llhttp|tornado",
        help="What reads HTTP on the service port.",
    )
    strip_headers: tuple[str, ...] = _row(
        (),
        "--strip-headers",
        variable="ABEJA_RUNTIME_STRIP_HEADERS",
        key="server.strip_headers",
        is_repeatable=True,
        parse=values.header_names,
        metavar="NAMES",
        help="Request headers kept from the handler beside those of its ABI, such as Authorization.",
    )
    plugin: tuple[Path, ...] = _row(
        (),
        "--plugin",
        variable="ABEJA_RUNTIME_PLUGIN",
        key="plugins.load",
        is_repeatable=True,
        is_of_image=False,
        parse=values.files,
        metavar="FILE",
        help="Plugin to load from a file, such as ./msgpack_plugin.py; may be given more than once.",
    )
    block_plugin: tuple[str, ...] = _row(
        (),
        "--block-plugin",
        variable="ABEJA_RUNTIME_BLOCK_PLUGIN",
        key="plugins.block",
        is_repeatable=True,
        is_of_image=False,
        parse=values.names,
        metavar="PATTERN",
        help="Plugins not to load, such as encoder-csv or 'encoder-*'; separated by commas.",
    )
    log_level: str = _row(
        "info",
        "--log-level",
        variable="LOG_LEVEL",
        key="server.log_level",
        parse=values.text,
        metavar="LEVEL",
        help="debug, info, warning or error; anything else is info.",
    )
    log_format: str = _row(
        "auto",
        "--log-format",
        variable="ABEJA_RUNTIME_LOG_FORMAT",
        key="server.log_format",
        parse=values.log_format,
        metavar="auto|text|json",
        help="Lines for people or JSON; auto is JSON for a server whose stderr is no terminal.",
    )
