"""Public names for plugin authors; everything else in this package may change.

Example:
    A plugin is a module registered under the entry point group ``abeja_runtime``::

        from abeja.runtime import Encoder, hookimpl

        @hookimpl
        def abeja_encoders():
            yield Encoder(name="msgpack", worker=Path(__file__).with_name("worker.py"))
"""

from abeja.runtime.errors import ArchiveRefusedError, ArchiveUnreadableError, SourceFailedError
from abeja.runtime.events import Log, RequestRecord, Service, State, WorkerEnd
from abeja.runtime.hookspecs import hookimpl
from abeja.runtime.review.finding import Finding, Level, Remark, Review
from abeja.runtime.review.handler_code import HandlerCode, Use
from abeja.runtime.types import (
    Abi,
    Encoder,
    Extractor,
    Fetch,
    Image,
    Installer,
    Member,
    MemberKind,
    Plan,
    ResultSource,
)

__all__ = [
    "Abi",
    "ArchiveRefusedError",
    "ArchiveUnreadableError",
    "Encoder",
    "Extractor",
    "Fetch",
    "Finding",
    "HandlerCode",
    "Image",
    "Installer",
    "Level",
    "Log",
    "Member",
    "MemberKind",
    "Plan",
    "Remark",
    "RequestRecord",
    "ResultSource",
    "Review",
    "Service",
    "SourceFailedError",
    "State",
    "Use",
    "WorkerEnd",
    "hookimpl",
]
