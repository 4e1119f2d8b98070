"""Frozen values that cross hooks."""

import datetime
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path

import attrs
from attrs import frozen


def _existing_file(instance: object, attribute: "attrs.Attribute[Path]", value: Path) -> None:
    if not value.is_file():
        raise ValueError(f"{type(instance).__name__}.{attribute.name}: there is no file {value}")


def _name(instance: object, attribute: "attrs.Attribute[str]", value: str) -> None:
    if not str(value).strip():
        raise ValueError(f"{type(instance).__name__}.{attribute.name}: expected a name, found {value!r}")


@frozen(kw_only=True)
class Abi:
    """A handler ABI: how user functions are called and what they return.

    Attributes:
        name: what an image version asks for, such as ``19.04``.
        worker: path of the module that runs in the worker. It defines ``Adapter(function, services)``
            with ``call(message) -> reply``; it has the standard library only and Python 3.6's syntax.
        parses_multipart: whether multipart/form-data arrives as one content for each part, rather
            than as one raw body.
        methods: HTTP methods that reach the handler; others are answered 405. HEAD is a GET
            without its body.
    """

    name: str = attrs.field(validator=_name)
    worker: Path = attrs.field(converter=Path, validator=_existing_file)
    parses_multipart: bool = False
    methods: frozenset[str] = attrs.field(
        default=frozenset({"GET", "HEAD", "POST", "PUT", "DELETE", "PATCH"}), converter=frozenset
    )


@frozen(kw_only=True)
class Encoder:
    """A content encoder: how Python objects of an answer become bytes.

    Attributes:
        name: what an image version asks for, such as ``json``.
        worker: path of the module that runs in the worker. It defines the class ``Encoder(media_type)``
            with ``claims(content)``, ``accepts(value)`` and ``encode(value, is_first)``; it has the
            standard library only and Python 3.6's syntax.
    """

    name: str = attrs.field(validator=_name)
    worker: Path = attrs.field(converter=Path, validator=_existing_file)


# Typed here, because mypy does not see through generic classes as converters.
def _texts(values: Iterable[str]) -> tuple[str, ...]:
    return tuple(values)


def _paths(values: Iterable[Path]) -> tuple[Path, ...]:
    return tuple(values)


def _names(values: Iterable[str]) -> frozenset[str]:
    return frozenset(values)


@frozen(kw_only=True)
class Plan:
    """What a model's folder asks to be installed, as an installer read it there.

    Attributes:
        source: the file that asks, for messages, such as ``Pipfile.lock``.
        requirements: lines as in a requirements.txt, options such as ``--index-url`` included; paths
            in them are absolute. ``${NAME}`` stands for a variable, and is left to whoever installs.
        read: every file and folder that was read or will be installed; the environment is built
            anew when one of them changes.
        names: names of the distributions that are asked for; what the image version provides
            never takes their place.
        must_match_hashes: whether everything that is installed needs one of the hashes given.
        python: the Python that the model wants, such as ``3.6``; None for the image version's.
        warnings: what the user should know, each one sentence.
    """

    source: str
    requirements: tuple[str, ...] = attrs.field(default=(), converter=_texts)
    read: tuple[Path, ...] = attrs.field(default=(), converter=_paths)
    names: frozenset[str] = attrs.field(default=frozenset(), converter=_names)
    must_match_hashes: bool = False
    python: str | None = None
    warnings: tuple[str, ...] = attrs.field(default=(), converter=_texts)


@frozen(kw_only=True)
class Installer:
    """A way to say what a model needs: it plans, and abeja-runtime builds.

    Attributes:
        name: what an image version asks for, such as ``requirements``.
        file: the file in the model's folder by which it is chosen, such as ``requirements.txt``.
        plan: from the model's folder and the environment's variables to a `Plan`. It reads files
            and has no other effect; it raises ValueError with the reason if a file cannot be used.
    """

    name: str = attrs.field(validator=_name)
    file: str = attrs.field(validator=_name)
    plan: Callable[[Path, Mapping[str, str]], Plan]


def _requirements(value: Mapping[str, str | Sequence[str]]) -> dict[str, tuple[str, ...]]:
    return {module: (asked,) if isinstance(asked, str) else tuple(asked) for module, asked in value.items()}


@frozen(kw_only=True)
class Image:
    """An image version: the contract that a handler was written for.

    Attributes:
        name: the tag, such as ``19.04`` in ``abeja/all-cpu:19.04``.
        abi: the name of its handler ABI.
        encoders: names of encoders in the order in which they are asked.
        installers: names of installers; the first whose file the model's folder has is used.
        python: the Python that the image had, such as ``3.6``; None for the server's own.
        released: the day of its release, as of which unpinned packages resolve; None if it has none.
        provides: module -> requirements of what the image had preinstalled; installed if the
            model's code imports the module.
        aliases: other tags of the same contract.
        options: defaults of options, by their names in `abeja-runtime config show`.
        origin: who defined it, for messages.
    """

    name: str = attrs.field(validator=_name)
    abi: str
    encoders: tuple[str, ...] = attrs.field(converter=tuple)
    installers: tuple[str, ...] = attrs.field(default=("pipfile", "requirements"), converter=tuple)
    python: str | None = None
    released: datetime.date | None = None
    provides: Mapping[str, tuple[str, ...]] = attrs.field(factory=dict, converter=_requirements)
    aliases: tuple[str, ...] = attrs.field(default=(), converter=tuple)
    options: Mapping[str, object] = attrs.field(factory=dict)
    origin: str = ""
