"""Frozen values that cross hooks."""

import datetime
import enum
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path

import attrs
from attrs import frozen

from abeja.runtime.review.finding import Review
from abeja.runtime.review.handler_code import HandlerCode


def _existing_file(instance: object, attribute: "attrs.Attribute[Path]", value: Path) -> None:
    if not value.is_file():
        raise ValueError(f"{type(instance).__name__}.{attribute.name}: there is no file {value}")


def _existing_folder(instance: object, attribute: "attrs.Attribute[Path]", value: Path) -> None:
    if not value.is_dir():
        raise ValueError(f"{type(instance).__name__}.{attribute.name}: there is no folder {value}")


def _name(instance: object, attribute: "attrs.Attribute[str]", value: str) -> None:
    if not str(value).strip():
        raise ValueError(f"{type(instance).__name__}.{attribute.name}: expected a name, found {value!r}")


# Typed here, because mypy does not see through generic classes as converters.
def _texts(values: Iterable[str]) -> tuple[str, ...]:
    return tuple(values)


def _paths(values: Iterable[Path]) -> tuple[Path, ...]:
    return tuple(values)


def _names(values: Iterable[str]) -> frozenset[str]:
    return frozenset(values)


def _lowered(names: Iterable[str]) -> frozenset[str]:
    return frozenset(name.lower() for name in names)


def _no_variables(folder: Path, handler: str) -> Mapping[str, str]:  # noqa: ARG001 (the contract of `Abi.variables`)
    return {}


@frozen(kw_only=True)
class Abi:
    """A handler ABI: how user functions are called and what they return.

    Attributes:
        name: what an image version asks for, such as ``19.04``.
        worker: path of the module, or of the ``__init__.py`` of the package, that runs in the worker.
            It defines ``Adapter(function, services)`` with ``call(message) -> reply``; it has the
            standard library only and Python 3.6's syntax.
        parses_multipart: whether multipart/form-data arrives as one content for each part, rather
            than as one raw body.
        methods: HTTP methods that reach the handler; others are answered 405. HEAD is a GET
            without its body.
        hidden_headers: names of request headers that the handler does not see, beside
            Transfer-Encoding, which no handler sees.
        variables: from the model's folder and the handler's ``<module>:<function>`` to environment
            variables that handlers of this ABI find. They are set before the handler's module is
            imported, and are defaults: variables of the server's environment and of the options win.
        media_types: what requests may have as Content-Type, such as ``application/json`` or ``image/*``, for
            people and for ``/openapi.json``: the worker's half decides.
        review: from a handler's parsed code to what this ABI says of it, for ``abeja-runtime check``. It
            reads and has no other effect. None if the ABI cannot tell.
        template: folder with the files of a new model, as ``abeja-runtime init`` writes them: a handler of the name
            that ``--handler`` has without being given, a file ``request.<extension>`` that it answers, a test, a
            README. None if there is none.
        origin: who provides it, for messages; abeja-runtime sets it.
    """

    name: str = attrs.field(validator=_name)
    worker: Path = attrs.field(converter=Path, validator=_existing_file)
    parses_multipart: bool = False
    methods: frozenset[str] = attrs.field(
        default=frozenset({"GET", "HEAD", "POST", "PUT", "DELETE", "PATCH"}), converter=_names
    )
    hidden_headers: frozenset[str] = attrs.field(
        default=frozenset({"authorization", "host", "proxy-authorization"}), converter=_lowered
    )
    variables: Callable[[Path, str], Mapping[str, str]] = _no_variables
    media_types: tuple[str, ...] = attrs.field(default=("*/*",), converter=_texts)
    review: Callable[[HandlerCode], Review] | None = None
    template: Path | None = attrs.field(default=None, validator=attrs.validators.optional(_existing_folder))
    origin: str = ""


@frozen(kw_only=True)
class Encoder:
    """A content encoder: how Python objects of an answer become bytes.

    Attributes:
        name: what an image version asks for, such as ``json``.
        worker: path of the module that runs in the worker. It defines the class ``Encoder(media_type)``
            with ``claims(content)``, ``accepts(value)`` and ``encode(value, is_first)``; it has the
            standard library only and Python 3.6's syntax.
        media_types: what answers may have as Content-Type, for people and for ``/openapi.json``; empty if that
            is not known.
        origin: who provides it, for messages; abeja-runtime sets it.
    """

    name: str = attrs.field(validator=_name)
    worker: Path = attrs.field(converter=Path, validator=_existing_file)
    media_types: tuple[str, ...] = attrs.field(default=(), converter=_texts)
    origin: str = ""


class MemberKind(enum.StrEnum):
    """What a member of an archive is."""

    FILE = "file"
    FOLDER = "folder"
    SYMLINK = "symlink"
    HARDLINK = "hardlink"
    # A device, a pipe, a socket: never written.
    SPECIAL = "special"


@frozen(kw_only=True)
class Member:
    """One member of an archive, as the archive describes it.

    Nothing in it need be checked by the extractor: the core refuses what is not safe, and what does
    not agree with itself.

    Attributes:
        name: with ``/`` between folders; bytes that are not UTF-8 as surrogate escapes.
        kind: what it is.
        mode: permission bits; the core keeps read and execute.
        size_bytes: of a file's content, all holes included.
        target: of a symlink as it is written in it, of a hardlink the name of another member.
        chunks: a file's content in pieces of at most a few MiB. It is read once, to its end, before
            the next member is asked for. Not used for other kinds.
    """

    name: str
    kind: MemberKind = MemberKind.FILE
    mode: int = 0o644
    size_bytes: int = 0
    target: str = ""
    chunks: Iterable[bytes] = ()


@frozen(kw_only=True)
class Extractor:
    """An archive format: how its members are read. The core writes them.

    Attributes:
        name: what an image version asks for, such as ``tar``.
        recognises: whether the file or folder at a path is of this format, by its content and not by
            its name.
        members: the members of the archive at a path, in its order. Whatever it raises means that
            the archive cannot be read. It must read the archive to its end, so that a wrong checksum
            or a cut file is noticed, and must hold no more of it in memory than a few MiB.
    """

    name: str = attrs.field(validator=_name)
    recognises: Callable[[Path], bool]
    members: Callable[[Path], Iterator[Member]]


@frozen(kw_only=True)
class Fetch:
    """What a source needs for fetching.

    Attributes:
        folder: an empty folder for what is downloaded. Its owner is the core, which deletes it.
        limit_bytes: how much may be downloaded.
        progress: called now and then with the bytes that are there and the bytes that are expected,
            None if that is not known.
    """

    folder: Path
    limit_bytes: int
    progress: Callable[[int, int | None], None]


@frozen(kw_only=True)
class ResultSource:
    """A place from which training results come, such as files or HTTP servers.

    Attributes:
        name: such as ``http``.
        takes: whether a text, as it is given to ``--training-result``, names something of this source.
        state: a text that changes when what is there changes, asked for without a network at every
            start: a size and a modification time, for example. Empty if there is none: then a result
            is fetched once for each name.
        fetch: makes it a local file or folder and returns its path, in ``Fetch.folder`` or where it is.
            Raises `SourceFailedError` with the reason.
    """

    name: str = attrs.field(validator=_name)
    takes: Callable[[str], bool]
    state: Callable[[str], str]
    fetch: Callable[[str, Fetch], Path]


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
        python: the Python that the model wants: a version such as ``3.6``, or a range such as
            ``>=3.8,<3.12``, in which the image version's is preferred. None for the image version's.
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
        base: the image version that this one is like but for what it says itself: fields that are
            left at their defaults are the base's, except for aliases; `provides` and `options` are
            added to the base's. Empty if there is none.
        abi: the name of its handler ABI; needed without a base.
        encoders: names of encoders in the order in which they are asked.
        extractors: names of the extractors for training results; empty for all that are installed.
        installers: names of installers; the first whose file the model's folder has is used.
        python: the Python that the image had, such as ``3.6``; None for the server's own.
        released: the day of its release, as of which unpinned packages resolve; None if it has none.
        provides: module -> requirements of what the image had preinstalled; installed if the
            model's code imports the module.
        always: requirements that are installed whatever the model's code imports, such as what the
            ABI makes a handler's input of.
        aliases: other tags of the same contract.
        options: defaults of options, by their names in `abeja-runtime config show`.
        origin: who defined it, for messages.
    """

    name: str = attrs.field(validator=_name)
    base: str = ""
    abi: str = attrs.field(default="")
    encoders: tuple[str, ...] = attrs.field(default=(), converter=_texts)
    extractors: tuple[str, ...] = attrs.field(default=(), converter=_texts)
    installers: tuple[str, ...] = attrs.field(default=("pipfile", "requirements"), converter=_texts)
    python: str | None = None
    released: datetime.date | None = None
    provides: Mapping[str, tuple[str, ...]] = attrs.field(factory=dict, converter=_requirements)
    always: tuple[str, ...] = attrs.field(default=(), converter=_texts)
    aliases: tuple[str, ...] = attrs.field(default=(), converter=_texts)
    options: Mapping[str, object] = attrs.field(factory=dict)
    origin: str = ""

    @abi.validator
    def _has_an_abi(self, _: object, value: str) -> None:
        if not value and not self.base:
            raise ValueError(f"the image '{self.name}' has neither an abi nor a base")
