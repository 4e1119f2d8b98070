"""What a handler's code says of ABI 19.04, by reading it."""

import ast
import difflib
from collections.abc import Iterable, Iterator

from abeja.runtime import Finding, HandlerCode, Level, Remark, Review, Use

# What `Request` of the worker half answers to, and what of that is listed.
_LISTED = ("http_method", "content_type", "headers", "http_headers", "contents")
_KEYS = (*_LISTED, "metadata", "path", "query")
_METHODS = ("read", "close", "get", "keys", "values", "items")
_ANSWER = ("status_code", "content_type", "metadata", "content")
# The context is any value of JSON, mostly a dict.
_CONTEXT = frozenset({*dir(dict), *dir(list), *dir(str), *dir(float)})

_READ = "request.read() gives the body as bytes, and json.load(request) parses it"
# What requests of other frameworks have.
_ELSEWHERE = {
    **dict.fromkeys(("json", "get_json", "body", "data", "get_data", "text", "raw"), _READ),
    **dict.fromkeys(("headers", "META"), "request['http_headers'] has the headers by name, in any case"),
    **dict.fromkeys(("files", "form", "FILES"), "request['contents'] has the parts of a multipart request"),
    **dict.fromkeys(("args", "query_string", "GET", "params"), "request['query'] is the query string"),
    "method": "request['http_method'] is the method",
    "url": "request['path'] is the path",
}
_ANSWER_ELSEWHERE = {"status": "status_code", "statusCode": "status_code", "body": "content", "headers": "metadata"}
# Literals that are no dict.
_NO_DICTS = (ast.List, ast.Tuple, ast.Set, ast.Constant, ast.JoinedStr, ast.ListComp, ast.SetComp, ast.GeneratorExp)
# Functions whose results are no dict either.
_MAKE_NO_DICTS = ("json.dumps", "str", "repr", "bytes", "list", "tuple")


def review(code: HandlerCode) -> Review:
    """Signs, obstacles and mistakes of ABI 19.04."""
    return Review(
        signs=_signs(code),
        obstacles=_obstacles(code),
        findings=_findings(code),
    )


def _signs(code: HandlerCode) -> Iterator[Remark]:
    for use in code.uses(0):
        if use.key in _KEYS:
            yield Remark(line=use.line, text=f"reads request['{use.key}']")
        elif use.attributes and use.attributes[0] in _METHODS:
            yield Remark(line=use.line, text=f"calls request.{use.attributes[0]}")
        elif use.passed_to.endswith("json.load"):
            yield Remark(line=use.line, text="reads the request as a file")
    for value in _dicts(code):
        if not code.is_generator and set(_ANSWER).intersection(_texts(value.keys)):
            yield Remark(line=value.lineno, text="returns a dict with the keys of an answer")


def _obstacles(code: HandlerCode) -> Iterator[Remark]:
    yielded = next((node for node in code.nodes() if isinstance(node, ast.Yield | ast.YieldFrom)), None)
    if yielded is not None:
        yield Remark(line=yielded.lineno, text="yields, and a handler of ABI 19.04 returns a dict")
    for use in code.uses(0):
        if use.passed_to == "next":
            yield Remark(line=use.line, text="takes elements from its input, and a request is no iterator")
    for use in code.uses(1):
        if use.attributes and use.attributes[0] in ("datatypes", "exceptions"):
            yield Remark(
                line=use.line, text=f"uses context.{use.attributes[0]}, and the context of ABI 19.04 is a dict"
            )


def _findings(code: HandlerCode) -> Iterator[Finding]:
    reason = code.refuses(2)
    if reason:
        message = f"a handler is called as handler(request, context): {reason}"
        yield Finding(slug="handler-parameters", message=message, line=code.function.lineno)
    tested = _tested_keys(code)
    for use in code.uses(0):
        if not tested.intersection((use.key, use.argument)):
            yield from _request_findings(use)
    for use in code.uses(1):
        yield from _context_findings(use)
    yield from _answer_findings(code)


def _request_findings(use: Use) -> Iterator[Finding]:
    level = Level.WARNING if use.is_guarded else Level.ERROR
    if use.key is not None and use.is_assigned:
        message = f"request['{use.key}'] is assigned, and a request cannot be changed"
        yield Finding(slug="request-key-unknown", message=message, level=level, line=use.line)
    elif use.key is not None and use.key not in _KEYS:
        message = f"a request has no key '{use.key}'"
        yield Finding(
            slug="request-key-unknown", message=message, hint=_request_hint(use.key), level=level, line=use.line
        )
    elif use.attributes[:1] == ("get",) and use.argument is not None and use.argument not in _LISTED:
        is_unlisted = use.argument in _KEYS
        hint = f"request['{use.argument}'] has it" if is_unlisted else _request_hint(use.argument)
        message = f"request.get('{use.argument}') is never anything but its default"
        yield Finding(slug="request-key-unknown", message=message, hint=hint, level=Level.WARNING, line=use.line)
    elif use.attributes and not use.is_assigned and not _is_known(use.attributes[0]):
        message = f"a request has no attribute '{use.attributes[0]}'"
        hint = _request_hint(use.attributes[0])
        yield Finding(slug="request-attribute-unknown", message=message, hint=hint, level=level, line=use.line)


def _is_known(attribute: str) -> bool:
    return attribute in _METHODS or attribute.startswith("__")


def _request_hint(name: str) -> str:
    near = difflib.get_close_matches(name, [*_KEYS, *_METHODS], n=1)
    if name in _KEYS:
        return f"request['{name}']"
    if name in _ELSEWHERE:
        return _ELSEWHERE[name]
    if near:
        return f"did you mean request['{near[0]}']?" if near[0] in _KEYS else f"did you mean request.{near[0]}()?"
    return f"its keys are {', '.join(_KEYS)}; {_READ}"


def _context_findings(use: Use) -> Iterator[Finding]:
    if use.attributes and use.attributes[0] not in _CONTEXT:
        what = "assigned" if use.is_assigned else "used"
        yield Finding(
            slug="context-attribute-unknown",
            message=f"context.{use.attributes[0]} is {what}, and the context is a dict",
            hint=f"write context['{use.attributes[0]}']" if use.is_assigned else "it is empty, or what CONTEXT says",
            level=Level.WARNING if use.is_guarded else Level.ERROR,
            line=use.line,
        )


def _answer_findings(code: HandlerCode) -> Iterator[Finding]:
    is_silent = not code.returned and not any(isinstance(node, ast.Raise) for node in code.nodes())
    if code.is_decorated:
        return
    if is_silent:
        message = "the handler returns nothing, which is answered 500"
        yield Finding(slug="answer-not-a-dict", message=message, hint=_example(), line=code.function.lineno)
    for value in code.returned:
        if _is_no_dict(value):
            message = "the handler returns something else than a dict, which is answered 500"
            yield Finding(slug="answer-not-a-dict", message=message, hint=_example(), line=value.lineno)
    for value in _dicts(code):
        yield from _dict_findings(value)


def _is_no_dict(value: ast.expr) -> bool:
    if isinstance(value, ast.Call):
        return ast.unparse(value.func) in _MAKE_NO_DICTS
    return isinstance(value, _NO_DICTS)


def _dict_findings(value: ast.Dict) -> Iterator[Finding]:
    names = list(_texts(value.keys))
    for name in names:
        meant = _ANSWER_ELSEWHERE.get(name) or next(iter(difflib.get_close_matches(name, _ANSWER, n=1)), None)
        if name not in _ANSWER and meant not in (None, *names):
            message = f"an answer has no key '{name}': it is ignored"
            hint = f"did you mean '{meant}'?"
            yield Finding(slug="answer-key-unknown", message=message, hint=hint, level=Level.WARNING, line=value.lineno)
    if names and not set(names).intersection(_ANSWER) and None not in value.keys:
        message = "the answer has none of the keys of an answer: it is sent empty"
        yield Finding(
            slug="answer-key-unknown", message=message, hint=_example(), level=Level.WARNING, line=value.lineno
        )
    for key, item in zip(value.keys, value.values, strict=True):
        found = item.value if isinstance(item, ast.Constant) else ...
        if isinstance(key, ast.Constant) and key.value == "status_code" and isinstance(found, str | bool):
            message = f"status_code: expected an int, found {found!r}"
            yield Finding(slug="answer-invalid", message=message, line=item.lineno)


def _tested_keys(code: HandlerCode) -> set[str | None]:
    """Keys that the handler looks for with ``in`` before it uses them."""
    return {
        node.left.value
        for node in ast.walk(code.function)
        if isinstance(node, ast.Compare) and isinstance(node.left, ast.Constant) and isinstance(node.left.value, str)
    }


def _dicts(code: HandlerCode) -> Iterator[ast.Dict]:
    return (value for value in code.returned if isinstance(value, ast.Dict))


def _texts(nodes: Iterable[ast.expr | None]) -> Iterator[str]:
    return (node.value for node in nodes if isinstance(node, ast.Constant) and isinstance(node.value, str))


def _example() -> str:
    return "return a dict such as {'status_code': 200, 'content_type': 'application/json', 'content': ...}"
