"""Every error that has a name.

::

    AbejaRuntimeError
    ├── ConfigurationError              exit code 2
    │   ├── OptionInvalidError          ├── ConfigFileInvalidError     ├── ImageUnknownError
    │   ├── ImageInvalidError           ├── AbiUnknownError            ├── EncoderUnknownError
    │   ├── ModelFolderMissingError     ├── InterpreterMissingError    ├── InputInvalidError
    │   ├── ExtractorUnknownError       ├── SourceUnknownError         ├── InstallerUnknownError
    │   ├── FolderOccupiedError         ├── TestRunnerMissingError     ├── TemplateMissingError
    │   ├── ModelExistsError            ├── OutputOccupiedError        ├── RunDiffersError
    │   └── RunInProgressError          └── RunStateInvalidError
    ├── OutputFailedError               exit code 1
    ├── PluginError                     exit code 2
    │   ├── PluginNameDuplicateError    ├── PluginConflictError        ├── PluginHookUnknownError
    │   ├── PluginHookAsyncError        ├── PluginImportFailedError    ├── PluginValueInvalidError
    │   └── PluginFileMissingError      └── PluginHookMissingError
    ├── TrainingResultError             exit code 3
    │   ├── SourceFailedError           ├── ChecksumMismatchError      ├── ArchiveUnreadableError
    │   └── ArchiveRefusedError         └── ExtractionFailedError
    ├── DependencyError                 exit code 3
    │   ├── DependencyFileInvalidError  ├── DependencyUnresolvableError
    │   ├── WheelMissingError           ├── HashMismatchError          ├── IndexUnreachableError
    │   └── DiskFullError               └── InstallToolMissingError    └── InstallFailedError
    ├── HandlerLoadError                exit code 4; its slug says which
    ├── WorkerStartError                exit code 4
    ├── PortInUseError                  exit code 5
    ├── FrontStartError                 exit code 1
    └── RequestError                    what one request is answered with, by its HTTP status
        ├── RequestMalformedError 400       ├── MethodNotAllowedError 405
        ├── RequestTimeoutError 408         ├── BodyTooLargeError 413
        ├── TargetTooLongError 414          ├── QueueFullError 429
        ├── HeadTooLargeError 431           ├── HandlerFailedError 500
        ├── AnswerInvalidError 500          ├── WorkerDiedError 502
        ├── NotReadyError 503               ├── DeadlineExceededError 504
        └── VersionUnsupportedError 505     └── SpoolFailedError 507

Each slug is an anchor of docs/reference/errors.md. HTTP statuses of our own are decided here and
nowhere else.
"""

from collections.abc import Mapping, Sequence
from typing import ClassVar


class AbejaRuntimeError(Exception):
    """An error with a name, a message and, where there is something to do about it, a hint.

    Args:
        message: what failed and where, what was expected and found, the candidates.
        hint: what to do next.
        excerpt: the user's own line, as `abeja.runtime.excerpt` shows it.

    Attributes:
        traceback: of the user's code, if that is what raised; shown above the report.
    """

    slug: ClassVar[str] = "abeja-runtime"
    exit_code: ClassVar[int] = 1
    traceback: str = ""

    def __init__(self, message: str, *, hint: str = "", excerpt: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint
        self.excerpt = excerpt

    def report(self) -> str:
        """The error as one paragraph for a person."""
        hint = f"Hint: {self.hint}" if self.hint else ""
        return "\n".join(filter(None, (f"{self.name}: {self.message}", self.excerpt, hint)))

    @property
    def name(self) -> str:
        """The slug; errors that arrive over the socket bring their own."""
        return self.slug


class ConfigurationError(AbejaRuntimeError):
    """What was asked for cannot be done as it was asked for."""

    slug = "configuration-invalid"
    exit_code = 2


class OptionInvalidError(ConfigurationError):
    """An option's value cannot be used."""

    slug = "option-invalid"


class ConfigFileInvalidError(ConfigurationError):
    """A configuration file is missing, is not TOML, or says something that has no meaning."""

    slug = "config-file-invalid"


class ImageUnknownError(ConfigurationError):
    """No image version of this name is known."""

    slug = "image-unknown"


class ImageInvalidError(ConfigurationError):
    """The definition of an image version has a field that is missing, unknown or of the wrong type."""

    slug = "image-invalid"


class AbiUnknownError(ConfigurationError):
    """No plugin provides the handler ABI that the image version asks for."""

    slug = "abi-unknown"


class EncoderUnknownError(ConfigurationError):
    """No plugin provides an encoder that the image version asks for."""

    slug = "encoder-unknown"


class ExtractorUnknownError(ConfigurationError):
    """No plugin provides an extractor that the image version asks for."""

    slug = "extractor-unknown"


class SourceUnknownError(ConfigurationError):
    """No plugin knows how to fetch what ``--training-result`` names."""

    slug = "source-unknown"


class FolderOccupiedError(ConfigurationError):
    """The folder to extract into has files that abeja-runtime has not put there."""

    slug = "folder-occupied"


class InstallerUnknownError(ConfigurationError):
    """No plugin provides an installer that the image version asks for."""

    slug = "installer-unknown"


class ModelFolderMissingError(ConfigurationError):
    """The model's folder, or the current one, does not exist."""

    slug = "model-folder-missing"


class InterpreterMissingError(ConfigurationError):
    """The Python interpreter for the worker does not exist."""

    slug = "interpreter-missing"


class TestRunnerMissingError(ConfigurationError):
    """What runs tests is not installed for the handler's Python."""

    slug = "test-runner-missing"


class TemplateMissingError(ConfigurationError):
    """The handler ABI brings no files for a new model."""

    slug = "template-missing"


class ModelExistsError(ConfigurationError):
    """Files of a new model are there already."""

    slug = "model-exists"


class InputInvalidError(ConfigurationError):
    """The input of a run does not exist or cannot be read."""

    slug = "input-invalid"


class OutputOccupiedError(ConfigurationError):
    """What a run would write to has something in it that would be overwritten."""

    slug = "output-occupied"


class RunDiffersError(ConfigurationError):
    """A run is to be resumed with another handler, or with other inputs."""

    slug = "run-differs"


class RunInProgressError(ConfigurationError):
    """Another process runs with the same output."""

    slug = "run-in-progress"


class RunStateInvalidError(ConfigurationError):
    """What a run has left for resuming it was changed by something else."""

    slug = "run-state-invalid"


class OutputFailedError(AbejaRuntimeError):
    """The result of a run, or what a command prints, cannot be written."""

    slug = "output-failed"


class PluginError(AbejaRuntimeError):
    """A plugin cannot be used; the message names its distribution and version."""

    slug = "plugin-invalid"
    exit_code = 2


class PluginNameDuplicateError(PluginError):
    """Two distributions register an entry point of the same name."""

    slug = "plugin-name-duplicate"


class PluginConflictError(PluginError):
    """Two plugins provide the same thing under the same name."""

    slug = "plugin-conflict"


class PluginHookUnknownError(PluginError):
    """A plugin implements a hook that does not exist, mostly a misspelt one."""

    slug = "plugin-hook-unknown"


class PluginHookAsyncError(PluginError):
    """A plugin implements a hook as a coroutine, which nothing would await."""

    slug = "plugin-hook-async"


class PluginImportFailedError(PluginError):
    """A plugin's module raised when it was imported."""

    slug = "plugin-import-failed"


class PluginValueInvalidError(PluginError):
    """A hook of a plugin raised, or yielded something of the wrong type."""

    slug = "plugin-value-invalid"


class PluginFileMissingError(PluginError):
    """There is no file that ``--plugin`` names."""

    slug = "plugin-file-missing"


class PluginHookMissingError(PluginError):
    """A plugin's module implements no hook at all."""

    slug = "plugin-hook-missing"


class TrainingResultError(AbejaRuntimeError):
    """A training result cannot be put in its place."""

    slug = "training-result-failed"
    exit_code = 3


class SourceFailedError(TrainingResultError):
    """A training result could not be fetched."""

    slug = "source-failed"


class ChecksumMismatchError(TrainingResultError):
    """What was fetched does not have the SHA-256 that was asked for."""

    slug = "checksum-mismatch"


class ArchiveUnreadableError(TrainingResultError):
    """An archive is damaged, cut off, or of a format that no extractor recognises."""

    slug = "archive-unreadable"


class ArchiveRefusedError(TrainingResultError):
    """An archive can be read, but what is in it is not safe to write."""

    slug = "archive-refused"


class ExtractionFailedError(TrainingResultError):
    """What an archive holds could not be written, mostly because the disk is full."""

    slug = "extraction-failed"


class DependencyError(AbejaRuntimeError):
    """The packages that the model needs cannot be installed."""

    slug = "dependency-failed"
    exit_code = 3


class DependencyFileInvalidError(DependencyError):
    """A file that says what the model needs cannot be read."""

    slug = "dependency-file-invalid"


class DependencyUnresolvableError(DependencyError):
    """No set of versions satisfies what the model asks for."""

    slug = "dependency-unresolvable"


class WheelMissingError(DependencyError):
    """A package has no wheel for the model's Python, and cannot be built from its sources here."""

    slug = "wheel-missing"


class HashMismatchError(DependencyError):
    """A downloaded file is not the one whose hash the model gives."""

    slug = "hash-mismatch"


class IndexUnreachableError(DependencyError):
    """The package index does not answer, and what is needed is not in the cache."""

    slug = "index-unreachable"


class DiskFullError(DependencyError):
    """There is no space left for the packages."""

    slug = "disk-full"


class InstallToolMissingError(DependencyError):
    """The tool that builds environments is not there, or cannot build for this Python."""

    slug = "install-tool-missing"


class InstallFailedError(DependencyError):
    """Installing failed in a way that has no name of its own."""

    slug = "install-failed"


class HandlerLoadError(AbejaRuntimeError):
    """The worker could not load the handler.

    Args:
        slug: one of `LOAD_SLUGS`, as the worker named it.
        traceback: the user's own traceback, if it was their code that raised.
    """

    slug = "handler-import-failed"
    exit_code = 4

    def __init__(self, message: str, *, hint: str = "", slug: str, traceback: str = "") -> None:
        super().__init__(message, hint=hint)
        self._name = slug
        self.traceback = traceback

    @property
    def name(self) -> str:
        """The slug that the worker named."""
        return self._name


LOAD_SLUGS = (
    "handler-attribute-missing",
    "handler-import-failed",
    "handler-module-missing",
    "handler-refused",
    "plugin-worker-failed",
)


class WorkerStartError(AbejaRuntimeError):
    """The worker process ended or stayed silent before it was ready."""

    slug = "worker-start-failed"
    exit_code = 4


class PortInUseError(AbejaRuntimeError):
    """A port to listen on is taken or not allowed."""

    slug = "port-in-use"
    exit_code = 5


class FrontStartError(AbejaRuntimeError):
    """A front process ended or stayed silent before it was ready."""

    slug = "front-start-failed"


class RequestError(AbejaRuntimeError):
    """One request cannot be answered by the handler; it is answered with `status` instead.

    Args:
        message: what the client is told.
        detail: what only the log is told.
        headers: further response headers.
        fields: further members of the JSON body.
    """

    slug = "request-failed"
    status: ClassVar[int] = 500
    # Seconds after which it is worth to try again: workers restart within a second or so.
    retry_after_s: ClassVar[int | None] = None

    def __init__(
        self,
        message: str,
        *,
        detail: str = "",
        headers: Sequence[tuple[str, str]] = (),
        fields: Mapping[str, object] | None = None,
    ) -> None:
        super().__init__(message)
        self.detail = detail
        self.headers = tuple(headers)
        self.fields = dict(fields or {})


class RequestMalformedError(RequestError):
    """The request is not what its own headers say it is."""

    slug = "request-malformed"
    status = 400


class MethodNotAllowedError(RequestError):
    """The ABI has no such method."""

    slug = "method-not-allowed"
    status = 405


class RequestTimeoutError(RequestError):
    """The rest of a request did not arrive in time."""

    slug = "request-timeout"
    status = 408


class BodyTooLargeError(RequestError):
    """The request's body is above ``--max-body``."""

    slug = "body-too-large"
    status = 413


class TargetTooLongError(RequestError):
    """The request's path and query are longer than any that the server takes."""

    slug = "target-too-long"
    status = 414


class QueueFullError(RequestError):
    """Every worker is busy and ``--queue`` requests wait already."""

    slug = "queue-full"
    status = 429
    retry_after_s = 1


class HeadTooLargeError(RequestError):
    """The request's header fields are too many, or too large together."""

    slug = "head-too-large"
    status = 431


class HandlerFailedError(RequestError):
    """The handler raised, or returned something that is not an answer."""

    slug = "handler-failed"
    status = 500


class AnswerInvalidError(RequestError):
    """HTTP cannot carry the status or a header that the handler returned."""

    slug = "answer-invalid"
    status = 500


class WorkerDiedError(RequestError):
    """The worker process ended while it had the request."""

    slug = "worker-died"
    status = 502


class NotReadyError(RequestError):
    """No worker can serve: the server is starting, draining, or its handler does not load any more."""

    slug = "not-ready"
    status = 503
    retry_after_s = 1


class DeadlineExceededError(RequestError):
    """The handler took longer than ``--timeout``; its worker was replaced."""

    slug = "deadline-exceeded"
    status = 504


class VersionUnsupportedError(RequestError):
    """The request is of another version of HTTP."""

    slug = "http-version-unsupported"
    status = 505


class SpoolFailedError(RequestError):
    """A body, of a request or an answer, could not be written to the spool folder, mostly because the disk is full."""

    slug = "spool-failed"
    status = 507
