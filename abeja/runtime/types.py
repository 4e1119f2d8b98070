"""Frozen values that cross hooks."""

import datetime
from collections.abc import Mapping
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


@frozen(kw_only=True)
class Image:
    """An image version: the contract that a handler was written for.

    Attributes:
        name: the tag, such as ``19.04`` in ``abeja/all-cpu:19.04``.
        abi: the name of its handler ABI.
        encoders: names of encoders in the order in which they are asked.
        python: the Python that the image had, such as ``3.6``; None for the server's own.
        released: the day of its release; None if it has none.
        aliases: other tags of the same contract.
        options: defaults of options, by their names in `abeja-runtime config show`.
        origin: who defined it, for messages.
    """

    name: str = attrs.field(validator=_name)
    abi: str
    encoders: tuple[str, ...] = attrs.field(converter=tuple)
    python: str | None = None
    released: datetime.date | None = None
    aliases: tuple[str, ...] = attrs.field(default=(), converter=tuple)
    options: Mapping[str, object] = attrs.field(factory=dict)
    origin: str = ""
