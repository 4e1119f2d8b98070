"""The management port: health, liveness, readiness."""

from typing import Any

from tornado.web import Application, RequestHandler

from abeja.runtime import answers
from abeja.runtime.dispatch import Dispatcher
from abeja.runtime.messages import Response
from abeja.runtime.server.intake import HEALTH_PATH


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
    SUPPORTED_METHODS = ("GET", "HEAD", "POST", "PUT", "DELETE", "PATCH", "OPTIONS")

    def initialize(self, dispatcher: Dispatcher) -> None:
        self.dispatcher = dispatcher

    def response(self) -> Response:
        raise NotImplementedError

    def _answer(self, *_: Any) -> None:
        response = self.response()
        self.set_status(response.status)
        for name, value in response.headers:
            self.set_header(name, value)
        self.finish(response.body)

    # The original's health checks took any method.
    get = head = post = put = delete = patch = options = _answer


class _Health(_Handler):
    def response(self) -> Response:
        return answers.health_response(is_serving=not self.dispatcher.trouble)


class _Liveness(_Handler):
    def response(self) -> Response:
        return answers.json_response(200, {"status": "alive"})


class _Readiness(_Handler):
    def response(self) -> Response:
        trouble = self.dispatcher.trouble
        if trouble:
            return answers.json_response(503, {"status": "not ready", "reason": trouble})
        return answers.json_response(200, {"status": "ready"})


class _NotFound(_Handler):
    def response(self) -> Response:
        return answers.json_response(404, {"status": "not found"})
