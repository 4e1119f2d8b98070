"""What a handler's code says of ABI 18.10, by reading it."""

import ast
import difflib
from collections.abc import Iterator

from abeja.runtime import Finding, HandlerCode, Level, Remark, Review, Use

# What `Context` of the worker half has.
_CONTEXT = {"datatypes": ("Response",), "exceptions": ("InvalidInput",), "metrics": ("count", "gauge", "observe")}
_INPUT = ("__iter__", "__next__")
# Functions that take elements from an iterator.
_TAKERS = ("next", "list", "tuple", "enumerate", "iter", "map", "filter", "zip", "sum")
_VALUES = (ast.Constant, ast.JoinedStr, ast.Dict)


def review(code: HandlerCode) -> Review:
    """Signs, obstacles and mistakes of ABI 18.10."""
    return Review(
        signs=_signs(code),
        obstacles=_obstacles(code),
        findings=_findings(code),
    )


def _signs(code: HandlerCode) -> Iterator[Remark]:
    for node in code.nodes():
        if isinstance(node, ast.Yield | ast.YieldFrom):
            yield Remark(line=node.lineno, text="yields its results")
        elif isinstance(node, ast.Name) and node.id == "Response" and not code.defines("Response"):
            yield Remark(line=node.lineno, text="uses Response without importing it")
    for use in code.uses(0):
        if use.is_iterated or use.passed_to in _TAKERS:
            yield Remark(line=use.line, text="takes elements from its input")
    for use in code.uses(1):
        if use.attributes and use.attributes[0] in _CONTEXT:
            yield Remark(line=use.line, text=f"uses context.{use.attributes[0]}")


def _obstacles(code: HandlerCode) -> Iterator[Remark]:
    for use in code.uses(0):
        if use.key is not None:
            yield Remark(line=use.line, text=f"reads ['{use.key}'] of its input, which is an iterator in ABI 18.10")
        elif use.attributes and use.attributes[0] not in _INPUT:
            name = use.attributes[0]
            yield Remark(line=use.line, text=f"uses .{name} of its input, which is an iterator in ABI 18.10")
        elif use.passed_to.endswith("json.load"):
            yield Remark(line=use.line, text="reads its input as a file, and in ABI 18.10 it is an iterator")
    if not code.is_generator and code.returned and all(isinstance(value, ast.Dict) for value in code.returned):
        yield Remark(line=code.returned[0].lineno, text="returns a dict, and a handler of ABI 18.10 yields its results")


def _findings(code: HandlerCode) -> Iterator[Finding]:
    reason = code.refuses(2)
    if reason:
        message = f"a handler is called as handler(input_iter, context): {reason}"
        yield Finding(slug="handler-parameters", message=message, line=code.function.lineno)
    own = {use.attributes[0] for use in code.uses(1) if use.is_assigned and use.attributes}
    for use in code.uses(1):
        yield from _context_findings(use, own)
    yield from _answer_findings(code)


def _context_findings(use: Use, own: set[str]) -> Iterator[Finding]:
    level = Level.WARNING if use.is_guarded else Level.ERROR
    if use.key is not None:
        message = f"context['{use.key}'] is used, and the context is an object with attributes"
        yield Finding(
            slug="context-attribute-unknown", message=message, hint=_listed("context"), level=level, line=use.line
        )
    for known, name, owner in _levels(use):
        if name in known or name in own or name.startswith("__"):
            continue
        near = difflib.get_close_matches(name, known, n=1)
        yield Finding(
            slug="context-attribute-unknown",
            message=f"{owner} has no attribute '{name}'",
            hint=f"did you mean {owner}.{near[0]}?" if near else _listed(owner),
            level=level,
            line=use.line,
        )
        return


def _levels(use: Use) -> Iterator[tuple[tuple[str, ...], str, str]]:
    """The attributes known there, the one used, and of what: of the context, then of a module of it."""
    if use.attributes:
        yield tuple(_CONTEXT), use.attributes[0], "context"
    if len(use.attributes) > 1 and use.attributes[0] in _CONTEXT:
        yield _CONTEXT[use.attributes[0]], use.attributes[1], f"context.{use.attributes[0]}"


def _listed(owner: str) -> str:
    _, _, module = owner.partition(".")
    names = _CONTEXT[module] if module else [f"{name}.{item}" for name, items in _CONTEXT.items() for item in items]
    return f"it has {', '.join(f'{owner}.{name}' for name in names)}"


def _answer_findings(code: HandlerCode) -> Iterator[Finding]:
    if code.is_generator or code.is_decorated:
        return
    hint = "yield each result, or return a list of them"
    is_silent = not code.returned and not any(isinstance(node, ast.Raise) for node in code.nodes())
    if is_silent:
        message = "the handler neither yields nor returns anything, which is answered 500"
        yield Finding(slug="answer-not-a-series", message=message, hint=hint, line=code.function.lineno)
    for value in code.returned:
        if isinstance(value, _VALUES):
            message = "the handler returns one value that is no series of results, which is answered 500"
            yield Finding(slug="answer-not-a-series", message=message, hint=hint, line=value.lineno)
