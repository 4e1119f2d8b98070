"""``/openapi.json`` of the management port: the service in the terms of OpenAPI 3.1, made of what is served."""

from collections.abc import Iterable, Iterator
from typing import Any

from abeja.runtime.answers import REQUEST_ID_HEADER, VERSION_HEADER
from abeja.runtime.errors import RequestError
from abeja.runtime.model import Model
from abeja.runtime.server.head import HEALTH_PATH
from abeja.runtime.version import VERSION

_WITHOUT_BODY = ("GET", "HEAD")
_ANY_TYPE = "*/*"
_JSON = "application/json"
_FORM = "multipart/form-data"
# What the handler itself answers, and what its own answer may be.
_HANDLER_ANSWER = "default"


def description(model: Model, *, host: str, service_port: int) -> dict[str, Any]:
    """The document.

    Args:
        model: what is served.
        host: under which the management port was asked.
        service_port: where the service listens on the same host.
    """
    return {
        "openapi": "3.1.0",
        "info": {
            "title": model.handler,
            "version": model.image.name,
            "summary": f"A handler of image version {model.image.name}, served by abeja-runtime {VERSION}.",
            "description": _about(model),
        },
        "servers": [{"url": f"http://{host}:{service_port}", "description": "the service port"}],
        "tags": [
            {"name": "handler", "description": "What the handler answers."},
            {"name": "health", "description": "How the service is; also on the management port."},
            {"name": "management", "description": "On the management port alone."},
        ],
        "paths": {
            "/": _handler_path(model, "At the root, where most clients send."),
            "/{path}": {
                "parameters": [
                    {
                        "name": "path",
                        "in": "path",
                        "required": True,
                        "description": "Any path, slashes included, reaches the handler.",
                        "schema": {"type": "string"},
                    }
                ],
                **_handler_path(model, "The same handler, which sees the path.", suffix="AtPath"),
            },
            **_health_paths(),
        },
        "components": {
            "schemas": {"Problem": _PROBLEM},
            "headers": _headers(model),
            "responses": dict(_problem_responses()),
        },
    }


# Where this document is, too.
_MANAGEMENT = {"servers": [{"url": "/", "description": "the management port"}]}

_PROBLEM = {
    "type": "object",
    "description": "Why the server answers instead of the handler.",
    "required": ["status", "request_id"],
    "properties": {
        "status": {"type": "string", "description": "The reason, for people."},
        "request_id": {"type": "string", "description": "As in the header X-Request-Id and in the log."},
        "reason": {"type": "string", "description": "With 503: what the server waits for."},
        "limit_bytes": {"type": "integer", "description": "With 413, 414 and 431: the limit."},
        "limit_fields": {"type": "integer", "description": "With 431: the limit of header fields."},
    },
    "additionalProperties": True,
}


def _about(model: Model) -> str:
    encoders = ", ".join(encoder.name for encoder in model.encoders) or "none"
    return (
        f"Every path but {HEALTH_PATH} is the handler's, which is written against handler ABI {model.abi.name}. "
        f"Its answers are made by the encoders {encoders}. What a request's body must hold only the handler knows."
    )


def _handler_path(model: Model, summary: str, *, suffix: str = "") -> dict[str, Any]:
    return {
        method.lower(): _operation(model, method, summary, suffix)
        for method in sorted(model.abi.methods)
        # OpenAPI has no names for others.
        if method.lower() in ("get", "put", "post", "delete", "options", "head", "patch", "trace")
    }


def _operation(model: Model, method: str, summary: str, suffix: str) -> dict[str, Any]:
    body = {} if method in _WITHOUT_BODY else {"requestBody": {"content": _contents(_request_types(model))}}
    return {
        "tags": ["handler"],
        "summary": summary,
        "operationId": f"{method.lower()}Handler{suffix}",
        "parameters": [
            {
                "name": name,
                "in": "header",
                "description": "The id of the request, in the log and in the answer; made if absent.",
                "schema": {"type": "string", "maxLength": 128, "pattern": "^[\\x21-\\x7e]+$"},
            }
            for name in ("x-abeja-request-id", REQUEST_ID_HEADER)
        ],
        **body,
        "responses": {
            "200": _answer(model, "The handler's answer. It may choose any status from 200 to 599."),
            **{status: {"$ref": f"#/components/responses/{status}"} for status, _ in _problem_responses()},
            _HANDLER_ANSWER: _answer(model, "The handler's answer with a status of its own."),
        },
    }


def _request_types(model: Model) -> tuple[str, ...]:
    types = model.abi.media_types
    # What can be anything is better shown by what most requests are.
    common = (_JSON,) if types == (_ANY_TYPE,) else ()
    return (*common, *((_FORM,) if model.abi.parses_multipart else ()), *types)


def _answer(model: Model, text: str) -> dict[str, Any]:
    types = dict.fromkeys(media_type for encoder in model.encoders for media_type in encoder.media_types)
    return {
        "description": text,
        "headers": {name: {"$ref": f"#/components/headers/{name}"} for name in _headers(model)},
        "content": _contents(types or (_ANY_TYPE,)),
    }


def _contents(media_types: Iterable[str]) -> dict[str, Any]:
    return {media_type: _content(media_type) for media_type in media_types}


def _content(media_type: str) -> dict[str, Any]:
    if media_type == _JSON:
        return {"schema": {}}
    if media_type == _FORM:
        return {"schema": {"type": "object", "additionalProperties": True}}
    # In OpenAPI 3.1 a body of bytes has no schema.
    return {}


def _headers(model: Model) -> dict[str, Any]:
    texts = {
        REQUEST_ID_HEADER: "The id of the request.",
        VERSION_HEADER: "The version of abeja-runtime.",
        **dict.fromkeys((name for name, _ in model.identity_headers), "Which model, deployment or service answers."),
    }
    return {name: {"description": text, "schema": {"type": "string"}} for name, text in texts.items()}


def _problem_responses() -> Iterator[tuple[str, dict[str, Any]]]:
    """The answers of our own, by status: what errors.py has."""
    by_status: dict[int, list[type[RequestError]]] = {}
    for error in RequestError.__subclasses__():
        by_status.setdefault(error.status, []).append(error)
    for status, errors in sorted(by_status.items()):
        texts = [f"`{error.slug}`: {(error.__doc__ or '').strip().splitlines()[0]}" for error in errors]
        headers: dict[str, Any] = {REQUEST_ID_HEADER: {"$ref": f"#/components/headers/{REQUEST_ID_HEADER}"}}
        if any(error.retry_after_s is not None for error in errors):
            headers["Retry-After"] = {"description": "Seconds to wait.", "schema": {"type": "integer"}}
        if status == 405:
            headers["Allow"] = {"description": "The methods that reach the handler.", "schema": {"type": "string"}}
        yield (
            str(status),
            {
                "description": "\n".join(texts),
                "headers": headers,
                "content": {_JSON: {"schema": {"$ref": "#/components/schemas/Problem"}}},
            },
        )


def _health_paths() -> dict[str, Any]:
    return {
        HEALTH_PATH: {
            "get": _status_operation(
                "getHealth", "health", "Whether requests can be served.", {"200": "ok", "503": "service unavailable"}
            )
        },
        "/livez": {
            **_MANAGEMENT,
            "get": _status_operation("getLiveness", "management", "The server answers.", {"200": "alive"}),
        },
        "/readyz": {
            **_MANAGEMENT,
            "get": _status_operation(
                "getReadiness",
                "management",
                "Whether requests can be served, and if not, what is wrong; the model and the workers.",
                {"200": "ready", "503": "not ready"},
            ),
        },
        "/metrics": {
            **_MANAGEMENT,
            "get": {
                "tags": ["management"],
                "summary": "Metrics in the text format of Prometheus.",
                "operationId": "getMetrics",
                "responses": {"200": {"description": "The metrics.", "content": {"text/plain": {}}}},
            },
        },
    }


def _status_operation(operation_id: str, tag: str, summary: str, statuses: dict[str, str]) -> dict[str, Any]:
    return {
        "tags": [tag],
        "summary": summary,
        "operationId": operation_id,
        "responses": {
            status: {
                "description": f"`{text}`",
                "content": {
                    _JSON: {
                        "schema": {
                            "type": "object",
                            "required": ["status"],
                            "properties": {"status": {"const": text}},
                        }
                    }
                },
            }
            for status, text in statuses.items()
        },
    }
