"""The whole plugin contract: every hook, when it is called, in which process, with an example.

A plugin is a module, registered by an entry point of the group ``abeja_runtime`` whose name is
``<kind>-<name>``, such as ``encoder-json``. Hooks are called in the server process, synchronously.
Those that register are called once, when the command starts; they yield values and have no side
effects. Order never matters: an image version asks for values by their names, and two of one name
are an error. Those of events are called while a model is served.
"""

from collections.abc import Iterator, Sequence

import pluggy

from abeja.runtime.events import RequestRecord, Service, WorkerEnd
from abeja.runtime.types import Abi, Encoder, Extractor, Image, Installer, ResultSource

PROJECT = "abeja_runtime"

hookspec = pluggy.HookspecMarker(PROJECT)
hookimpl = pluggy.HookimplMarker(PROJECT)


@hookspec
def abeja_abis() -> Iterator[Abi]:  # type: ignore[empty-body] # a specification has no body
    """Yield handler ABIs.

    When: once per command, in the server process.

    Example::

        @hookimpl
        def abeja_abis():
            yield Abi(name="19.04", worker=Path(__file__).with_name("worker.py"), parses_multipart=True)

    Errors: raising, or yielding anything but an `Abi`, is `plugin-value-invalid`; a name that
    another plugin yields too is `plugin-conflict`.
    """


@hookspec
def abeja_encoders() -> Iterator[Encoder]:  # type: ignore[empty-body] # a specification has no body
    """Yield content encoders.

    When: once per command, in the server process.

    Example::

        @hookimpl
        def abeja_encoders():
            yield Encoder(name="msgpack", worker=Path(__file__).with_name("worker.py"))

    Errors: as for `abeja_abis`.
    """


@hookspec
def abeja_extractors() -> Iterator[Extractor]:  # type: ignore[empty-body] # a specification has no body
    """Yield archive formats of training results.

    When: once per command, in the server process; ``recognises`` and ``members`` are called there
    before the handler is loaded.

    Example::

        @hookimpl
        def abeja_extractors():
            yield Extractor(name="cpio", recognises=is_cpio, members=read_cpio)

    Errors: as for `abeja_abis`. What ``members`` raises is `archive-unreadable`, and what it yields
    may be `archive-refused`.
    """


@hookspec
def abeja_sources() -> Iterator[ResultSource]:  # type: ignore[empty-body] # a specification has no body
    """Yield places from which training results come.

    When: once per command, in the server process; every source is asked whether it takes what
    ``--training-result`` says, and exactly one must.

    Example::

        @hookimpl
        def abeja_sources():
            yield ResultSource(name="s3", takes=is_s3_url, state=lambda source: "", fetch=download)

    Errors: as for `abeja_abis`. ``fetch`` raises `SourceFailedError`; two sources that take one text
    are `plugin-conflict`.
    """


@hookspec
def abeja_installers() -> Iterator[Installer]:  # type: ignore[empty-body] # a specification has no body
    """Yield installers: what reads in a model's folder which packages it needs.

    When: once per command, in the server process. The installer's `plan` is called when the
    image version names it and the model's folder has its file; it reads, and abeja-runtime builds.

    Example::

        @hookimpl
        def abeja_installers():
            yield Installer(name="names", file="names.txt", plan=plan)


        def plan(folder, environ):
            path = folder / "names.txt"
            names = path.read_text().split()
            return Plan(source=path.name, requirements=names, names=names, read=[path])

    Errors: as for `abeja_abis`. A `plan` that raises ValueError is `dependency-file-invalid`.
    """


@hookspec
def abeja_images() -> Iterator[Image]:  # type: ignore[empty-body] # a specification has no body
    """Yield image versions beside those of images.toml.

    When: once per command, in the server process.

    Example::

        @hookimpl
        def abeja_images():
            yield Image(name="lambda-2", abi="lambda", encoders=["json"])
            yield Image(name="19.04-msgpack", base="19.04", encoders=["msgpack", "file", "json"])

    Errors: as for `abeja_abis`. The user's own configuration file may still override fields.
    """


@hookspec
def abeja_observers(service: Service) -> Iterator[object]:  # type: ignore[empty-body] # a specification has no body
    """Yield objects whose methods are event hooks: observers that have something to remember.

    A plugin whose event hooks are plain functions of its module need not implement it.

    When: once per server, before it listens; an observer lives as long as its server.

    Example::

        @hookimpl
        def abeja_observers(service):
            yield Slowest()


        class Slowest:
            def __init__(self):
                self.record = None

            @hookimpl
            def abeja_requests_answered(self, records):
                self.record = max(records, key=lambda record: record.sent_s - record.received_s)

    Errors: raising, or yielding something without an event hook, is `plugin-value-invalid`; the log says
    so, and the service goes on without the observer.
    """


@hookspec
def abeja_requests_answered(records: Sequence[RequestRecord]) -> None:
    """Requests of the service port have come to their end; ``/health_check`` is none.

    When: in the server's event loop, with all requests of the last 50 ms or 256 of them, whichever is
    first, and before the server ends. Everything waits for it: be done in a few microseconds for each.

    Example::

        @hookimpl
        def abeja_requests_answered(records):
            for record in records:
                if record.error:
                    print(record.request_id, record.error)

    Errors: whatever it raises is logged, and it is not called again.
    """


@hookspec
def abeja_worker_ended(worker: WorkerEnd) -> None:
    """A worker process has ended.

    When: in the server's event loop, at once, after the requests that ended before it.

    Example::

        @hookimpl
        def abeja_worker_ended(worker):
            if not worker.is_expected:
                print("worker", worker.worker, worker.reason)

    Errors: as for `abeja_requests_answered`.
    """
