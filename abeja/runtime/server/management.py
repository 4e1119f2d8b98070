"""The management port: health, liveness, readiness."""

from typing import Any

from tornado.web import Application, HTTPError, RequestHandler

from abeja.runtime import answers
from abeja.runtime.dispatch import Dispatcher
from abeja.runtime.server.head import HEALTH_PATH


def management_application(dispatcher: Dispatcher) -> Application:
    """``/health_check`` as the original's; ``/livez``: the server answers; ``/readyz``: and what is wrong."""
    context = {"dispatcher": dispatcher}
    return Application(
        [
            (HEALTH_PATH, _Health, context),
            ("/livez", _Liveness, context),
            ("/readyz", _Readiness, context),
        ],
        default_handler_class=_NotFound,
        default_handler_args=context,
        log_function=lambda _: None,
    )


class _Handler(RequestHandler):
    SUPPORTED_METHODS = ("GET", "HEAD", "POST", "PUT", "DELETE", "PATCH", "OPTIONS", "TRACE", "CONNECT")

    def initialize(self, dispatcher: Dispatcher) -> None:
        self.dispatcher = dispatcher

    def answer(self) -> tuple[int, dict[str, str]]:
        """Status and fields."""
        raise NotImplementedError

    def _respond(self, *_: Any) -> None:
        status, fields = self.answer()
        self.set_status(status)
        self.set_header("Content-Type", "application/json")
        self.finish(answers.json_body(fields))

    # The original's health checks took any method.
    get = head = post = put = delete = patch = options = trace = connect = _respond

    def send_error(self, status_code: int = 500, **details: Any) -> None:
        """Called by tornado, also for methods that it does not know and for forms that it cannot read: no matter."""
        if status_code < 500:
            self._respond()
        else:
            super().send_error(status_code, **details)

    def log_exception(self, typ: Any, value: BaseException | None, tb: Any) -> None:
        """Called by tornado; a client's mistake is nothing for the log."""
        if not isinstance(value, HTTPError):
            super().log_exception(typ, value, tb)


class _Health(_Handler):
    def answer(self) -> tuple[int, dict[str, str]]:
        return answers.health(is_serving=not self.dispatcher.trouble)


class _Liveness(_Handler):
    def answer(self) -> tuple[int, dict[str, str]]:
        return 200, {"status": "alive"}


class _Readiness(_Handler):
    def answer(self) -> tuple[int, dict[str, str]]:
        trouble = self.dispatcher.trouble
        return (503, {"status": "not ready", "reason": trouble}) if trouble else (200, {"status": "ready"})


class _NotFound(_Handler):
    def answer(self) -> tuple[int, dict[str, str]]:
        return 404, {"status": "not found"}
