"""What can be measured: abeja-runtime in several variants, and the peers of the folder peers/."""

import sys
import tomllib
from dataclasses import dataclass, field
from pathlib import Path

from bench.environments import Recipe

REPOSITORY = Path(__file__).parents[1]
HANDLERS = Path(__file__).with_name("handlers")
PEERS = Path(__file__).with_name("peers")
REFERENCE = "ours"
# What the job flip imports.
_PICTURES = ("numpy", "opencv-python-headless", "pillow")


@dataclass(frozen=True, kw_only=True)
class Server:
    """A server and how it is started.

    In `command` and `variables`, these are replaced: ``{bin}`` (the programs of its environment), ``{port}``,
    ``{port2}``, ``{port3}`` (free ones), ``{job}``, ``{model}`` (a folder with main.py for handlers) and ``{socket}``
    (a path).

    Attributes:
        name: as in ``--servers``.
        title: what it is.
        recipe: of its environment.
        command: starts it.
        variables: of its environment, on top of ours.
        folder: its current folder.
        jobs: the jobs that it does, with the path of each.
        missing: why it does not do the others.
        health: path of its health check.
        wrap: the key under which it takes JSON, if it does not take it bare.
        packages: whose versions are told.
        transport: ``http``, or ``socket`` for the worker of the original without its proxy.
        option: of ``abeja-runtime serve``, without which there is no such variant.
        module: that abeja-runtime has to use, else there is no such variant.
        python: of the handler, where it is not that of the server.
        program: that has to be on the PATH.
    """

    name: str
    title: str
    recipe: Recipe
    command: tuple[str, ...]
    folder: Path
    jobs: dict[str, str]
    variables: dict[str, str] = field(default_factory=dict)
    missing: dict[str, str] = field(default_factory=dict)
    health: str | None = None
    wrap: str | None = None
    packages: tuple[str, ...] = ()
    transport: str = "http"
    option: str | None = None
    module: str | None = None
    python: str | None = None
    program: str | None = None


def servers() -> dict[str, Server]:
    """All of them by name, ours first."""
    found = [*_ours(), *(_peer(path) for path in sorted(PEERS.glob("*/peer.toml")))]
    return {server.name: server for server in found}


def _ours() -> list[Server]:
    own = f"{sys.version_info.major}.{sys.version_info.minor}"
    return [
        _variant(REFERENCE, f"abeja-runtime, one worker on Python {own}"),
        _variant("ours-tornado", "the same, tornado's own HTTP parser", "--http", "tornado", option="--http"),
        _variant("ours-uvloop", "the same, uvloop is installed", extra=("uvloop",), module="uvloop"),
        _variant("ours-w2", "the same, two workers", "--workers", "2"),
        _variant("ours-w4", "the same, four workers", "--workers", "4"),
        _variant("ours-fronts2", "the same, two fronts", "--fronts", "2", option="--fronts"),
        _variant("ours-py36", "the same, worker on Python 3.6", "--python", "3.6", python="3.6"),
    ]


def _variant(
    name: str,
    title: str,
    *options: str,
    extra: tuple[str, ...] = (),
    option: str | None = None,
    module: str | None = None,
    python: str | None = None,
) -> Server:
    jobs = ("total", "echo", "length", "slow", "burn", "stream", "flip")
    return Server(
        name=name,
        title=title,
        recipe=Recipe(name="-".join(("ours", *extra)), requirements=(*_PICTURES, *extra), project=REPOSITORY),
        command=(
            "{bin}/abeja-runtime", "serve",
            "--image-version", "19.04",
            "--handler", "main:{job}",
            "--model-dir", "{model}",
            "--host", "127.0.0.1",
            "--port", "{port}",
            "--health-port", "{port2}",
            "--env", "inherit",
            "--max-body", "2GB",
            # Not a limit that others have.
            "--queue", "1000",
            "--log-level", "warning",
            *options,
        ),
        folder=HANDLERS,
        jobs={job: "/" for job in jobs if job != "flip" or python is None},
        missing={"flip": "OpenCV is not in this Python"},
        health="/health_check",
        packages=("abeja-runtime", "tornado", *extra),
        option=option,
        module=module,
        python=python,
    )  # fmt: skip


def _peer(path: Path) -> Server:
    facts = tomllib.loads(path.read_text(encoding="utf-8"))
    name = path.parent.name
    requirements = (path.parent / "requirements.txt").read_text(encoding="utf-8").split()
    return Server(
        name=name,
        title=facts["title"],
        # Peers that share their requirements share the environment.
        recipe=Recipe(
            name=facts.get("environment", name),
            requirements=tuple(requirements),
            pythons=tuple(facts.get("pythons", ())),
        ),
        command=tuple(facts["command"]),
        folder=path.parent,
        jobs=facts["jobs"],
        variables=facts.get("variables", {}),
        missing=facts.get("missing", {}),
        health=facts.get("health"),
        wrap=facts.get("wrap"),
        packages=tuple(facts["packages"]),
        transport=facts.get("transport", "http"),
        program=facts.get("program"),
    )
