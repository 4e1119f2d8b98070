"""The management port: health, liveness, readiness, metrics, the description of the service, the console."""

import os
from collections.abc import Mapping
from typing import Any

from tornado.web import Application, HTTPError, RequestHandler

from abeja.runtime import answers
from abeja.runtime.admission import Condition
from abeja.runtime.model import Model
from abeja.runtime.secrets import Secrets
from abeja.runtime.server.console.console import Console
from abeja.runtime.server.console.router import PATHS, ConsoleRouter
from abeja.runtime.server.head import HEALTH_PATH
from abeja.runtime.server.metrics import Metrics


def management_application(
    condition: Condition, model: Model, metrics: Metrics, *, service_port: int, console: Console | None
) -> Application:
    """``/health_check`` as the original's; ``/livez``; ``/readyz``, and what is wrong; ``/metrics``; and for people.

    Args:
        condition: knows how the service is.
        model: what is served.
        metrics: what is told under ``/metrics``.
        service_port: where the service listens.
        console: None if there is none.
    """
    context = {"condition": condition, "model": model}
    return Application(
        [
            (HEALTH_PATH, _Health, context),
            ("/livez", _Liveness, context),
            ("/readyz", _Readiness, {**context, "secrets": Secrets.of({**os.environ, **model.environment})}),
            ("/metrics", _Metrics, {**context, "metrics": metrics}),
            ("/openapi.json", _Description, {**context, "service_port": service_port}),
            *([(PATHS, ConsoleRouter(console))] if console is not None else ()),
        ],
        default_handler_class=_NotFound,
        default_handler_args=context,
        log_function=lambda _: None,
    )


class _Handler(RequestHandler):
    SUPPORTED_METHODS = ("GET", "HEAD", "POST", "PUT", "DELETE", "PATCH", "OPTIONS", "TRACE", "CONNECT")

    def initialize(self, condition: Condition, model: Model) -> None:
        self.condition = condition
        self.model = model

    def answer(self) -> tuple[int, Mapping[str, Any]]:
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
    def answer(self) -> tuple[int, Mapping[str, Any]]:
        return answers.health(is_serving=not self.condition.trouble)


class _Liveness(_Handler):
    def answer(self) -> tuple[int, Mapping[str, Any]]:
        return 200, {"status": "alive"}


class _Readiness(_Handler):
    def initialize(self, condition: Condition, model: Model, secrets: Secrets) -> None:  # type: ignore[override]
        super().initialize(condition, model)
        self._secrets = secrets

    def answer(self) -> tuple[int, Mapping[str, Any]]:
        trouble = self.condition.trouble
        status = {"status": "not ready", "reason": trouble} if trouble else {"status": "ready"}
        # The reason, and that of the last exit, quote what the handler raised.
        status, report = self._secrets.hide_within(status), self._secrets.hide_within(self.condition.report())
        return 503 if trouble else 200, {**status, "model": self._model_fields(), **report}

    def _model_fields(self) -> dict[str, str]:
        model = self.model
        return {
            "handler": model.handler,
            "folder": str(model.folder),
            "image_version": model.image.name,
            "abi": model.abi.name,
        }


class _Metrics(_Handler):
    def initialize(self, condition: Condition, model: Model, metrics: Metrics) -> None:  # type: ignore[override]
        super().initialize(condition, model)
        self.metrics = metrics

    def _respond(self, *_: Any) -> None:
        if not self.metrics.are_offered:
            super()._respond()
            return
        content_type, body = self.metrics.exposition(self.request.headers.get("Accept", ""))
        self.set_header("Content-Type", content_type)
        self.finish(body)

    def answer(self) -> tuple[int, Mapping[str, Any]]:
        return 404, {"status": "no plugin offers metrics"}

    get = head = _respond


class _Description(_Handler):
    def initialize(self, condition: Condition, model: Model, service_port: int) -> None:  # type: ignore[override]
        super().initialize(condition, model)
        self._service_port = service_port

    def answer(self) -> tuple[int, Mapping[str, Any]]:
        # Imported when it is asked for, as metrics are.
        from abeja.runtime.server.openapi import description  # noqa: PLC0415

        return 200, description(self.model, host=self.request.host_name, service_port=self._service_port)


class _NotFound(_Handler):
    def answer(self) -> tuple[int, Mapping[str, Any]]:
        return 404, {"status": "not found"}
