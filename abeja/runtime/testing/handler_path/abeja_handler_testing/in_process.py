"""A handler called in this process, by the modules that call it in a worker."""

import contextlib
import json
import os
import shutil
import sys
import tempfile
import traceback
from typing import Any, Dict, Iterator, List, Optional, Tuple

from .answer import Answer
from .call import Call
from .client import Client, error_answer
from .worker_modules import failure, frames, sendable, session

# Set by `abeja-runtime test`: everything about the handler, as JSON.
SETTINGS_VARIABLE = "ABEJA_RUNTIME_TEST_SETTINGS"


class HandlerClient(Client):
    """Calls a handler in this process, so that breakpoints, coverage and monkeypatching work.

    The handler's module is imported as any module, with the model's folder as the first entry of
    sys.path. The folder is the current one, and the handler's environment variables are set, while it
    is imported and while it is called.

    Args:
        handler: ``<module>:<function>``; that of the settings if it is not given.
        raise_errors: whether what the handler raises is raised here. Otherwise it is printed on
            stderr and the answer is 500, as a client of the service sees it.
        settings: of the handler; those of `abeja-runtime test` if they are not given.

    Raises:
        RuntimeError: there are no settings, or the handler does not load.
    """

    def __init__(
        self, handler: Optional[str] = None, *, raise_errors: bool = True, settings: Optional[Dict[str, Any]] = None
    ) -> None:
        super(HandlerClient, self).__init__(dict(settings or _settings_of_the_command()))
        self._raises_errors = raise_errors
        init = dict(self._settings["init"], handler=handler or self._settings["init"]["handler"])
        self._folder: str = init["model_dir"]
        self._modules_before = set(sys.modules)
        self._variables_before = {name: os.environ.get(name) for name in self._settings["variables"]}
        self._spool_dir = tempfile.mkdtemp(prefix="abeja-handler-testing-")
        self._channel = _Memory()
        try:
            _require_own_module(init["handler"].partition(":")[0], self._folder)
            with self._place():
                self._session = session.Session(self._channel, dict(init, spool_dir=self._spool_dir))
        except failure.LoadError as error:
            self._forget()
            raise RuntimeError("%s: %s\nHint: %s" % (error.slug, error.message, error.hint)) from error
        except BaseException:
            self._forget()
            raise

    def _release(self) -> None:
        # The handler's modules are forgotten, so that another client imports its own.
        self._session.close()
        self._forget()

    def _perform(self, call: Call) -> Answer:
        header, payload = self._frame(call)
        try:
            with self._place():
                self._session.answer(header, payload)
            return self._answer(self._channel.take(), call)
        except (Exception, SystemExit):  # the handler's, or of the ABI about its answer
            if self._raises_errors:
                raise
            traceback.print_exc()
            return error_answer(500, "unexpected error occurred", call.request_id)

    def _frame(self, call: Call) -> Tuple[Dict[str, Any], bytes]:
        contents = []
        inline = b""
        for part in call.contents(parses_multipart=self._settings["parses_multipart"]):
            fields: Dict[str, Any] = {
                "content_type": part.content_type,
                "file_name": part.file_name,
                "form_name": part.form_name,
                "size": len(part.body),
            }
            # As the server does it: what does not fit into the memory of one request is a file.
            if len(inline) + len(part.body) > frames.INLINE_LIMIT_BYTES:
                fields["path"] = self._spooled(part.body)
            else:
                inline += part.body
            contents.append(fields)
        header = {
            "kind": "request",
            "id": 1,
            "request_id": call.request_id,
            "method": "GET" if call.method == "HEAD" else call.method,
            "path": call.path,
            "query": call.query,
            "content_type": call.content_type,
            "headers": call.headers(self._settings["hidden"]),
            "contents": contents,
            "client_ip": "",
            "timeout_s": None,
        }
        return header, inline

    def _spooled(self, body: bytes) -> str:
        handle, path = tempfile.mkstemp(prefix="body-", dir=self._spool_dir)
        with os.fdopen(handle, "wb") as file:
            file.write(body)
        return path

    def _answer(self, received: List[Tuple[Dict[str, Any], bytes]], call: Call) -> Answer:
        head, body = received[0]
        own = [tuple(pair) for pair in self._settings["headers"]] + [("X-Request-Id", call.request_id)]
        headers = sendable.headers_of(head["status"], head["content_type"], head["headers"], own)
        if head["body"] == "file":
            with open(head["path"], "rb") as file:
                body = file.read()
            os.unlink(head["path"])
        body += b"".join(piece for header, piece in received[1:] if header["kind"] == "chunk")
        return Answer(head["status"], headers, body)

    @contextlib.contextmanager
    def _place(self) -> Iterator[None]:
        """The folder, the path and the variables that the handler has in a worker."""
        folder = os.getcwd()
        # A variable that a test has set since is the test's.
        before = {name: value for name, value in self._variables_before.items() if os.environ.get(name) == value}
        self._channel.clear()
        os.environ.update({name: self._settings["variables"][name] for name in before})
        sys.path.insert(0, self._folder)
        os.chdir(self._folder)
        try:
            yield
        finally:
            os.chdir(folder)
            if self._folder in sys.path:
                sys.path.remove(self._folder)
            for name, value in before.items():
                if value is None:
                    os.environ.pop(name, None)
                else:
                    os.environ[name] = value

    def _forget(self) -> None:
        shutil.rmtree(self._spool_dir, ignore_errors=True)
        for name in set(sys.modules) - self._modules_before:
            if _is_in(sys.modules[name], self._folder):
                del sys.modules[name]


class _Memory(object):
    """A channel to nowhere: it keeps what is sent, after the way through the wire format."""

    def __init__(self) -> None:
        self._frames: List[Tuple[Dict[str, Any], bytes]] = []

    def send(self, header: Dict[str, Any], payload: bytes = b"") -> None:
        """Keep one frame."""
        self.send_frame(frames.encode(header, payload))

    def send_frame(self, frame: bytes) -> None:
        """Keep one that is encoded."""
        self._frames.append(frames.decode(frame))

    def is_cancelled(self, request_id: int) -> bool:
        """Never: a test waits for its answer."""
        return request_id < 0

    def require_owner(self) -> None:
        """Nothing: the process is the test's."""

    def clear(self) -> None:
        """Drop what a call that raised has left."""
        self._frames = []

    def take(self) -> List[Tuple[Dict[str, Any], bytes]]:
        """What was sent."""
        taken, self._frames = self._frames, []
        return taken


def _settings_of_the_command() -> Dict[str, Any]:
    text = os.environ.get(SETTINGS_VARIABLE)
    if not text:
        raise RuntimeError("nothing says which handler to test: run this with `abeja-runtime test`.")
    settings: Dict[str, Any] = json.loads(text)
    return settings


def _require_own_module(name: str, folder: str) -> None:
    """Refuse to test another module than the handler's."""
    module = sys.modules.get(name.partition(".")[0])
    path = _file_of(module)
    if path and not _is_in(module, folder):
        raise RuntimeError(
            "a module '%s' has been imported from %s, so the one in %s cannot be: close the other client, "
            "or test the two handlers in two runs." % (name, path, folder)
        )


def _is_in(module: Any, folder: str) -> bool:
    """Whether the module is the model's, rather than of a package that is installed below its folder."""
    path = _file_of(module)
    root = os.path.join(os.path.realpath(folder), "")
    return os.path.realpath(path).startswith(root) and "-packages" not in path[len(root) - 1 :]


def _file_of(module: Any) -> str:
    # Some modules import more when they are asked for an attribute that they do not have.
    return getattr(module, "__dict__", {}).get("__file__") or ""
