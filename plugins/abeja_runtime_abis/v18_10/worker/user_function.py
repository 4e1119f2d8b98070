"""The user's function: whether it can be an 18.10 handler, and the names that it may use."""

import ast
import builtins
import functools
import inspect
import sys
import textwrap
from typing import Any, Callable, Dict, Iterator, List


def check(function: Callable[..., Any]) -> None:
    """Refuse what can be no 18.10 handler.

    Raises:
        ValueError: it cannot be called, cannot be called with two arguments, or is a function
            whose every ``return`` has a dict, as those of 19.04.
    """
    if not callable(function):
        raise ValueError(  # noqa: TRY004 (refused by the contract of Adapter)
            "it is a %s and cannot be called" % type(function).__name__
        )
    problem = _call_problem(function)
    if problem:
        raise ValueError("it is called as handler(input_iter, context): %s" % problem)
    if _returns_only_dicts(function):
        raise ValueError(
            "it returns a dict, as handlers of image version 19.04 do (`--image-version 19.04`); "
            "a handler of ABI 18.10 yields its results"
        )


def lend(function: Callable[..., Any], module: str, **names: Any) -> None:
    """Make names globals of the handler's module and of the function's, unless they or Python have them."""
    for namespace in (vars(sys.modules[module]) if module in sys.modules else {}, _globals_of(function)):
        for name, value in names.items():
            if not hasattr(builtins, name):
                namespace.setdefault(name, value)


def _call_problem(function: Callable[..., Any]) -> str:
    try:
        # Not of what a decorator wraps: the wrapper may add arguments, or drop some.
        signature = inspect.signature(function, follow_wrapped=False)
    except (TypeError, ValueError):
        return ""  # written in C, and not telling
    try:
        signature.bind(None, None)
    except TypeError as error:
        return str(error)
    return ""


def _globals_of(function: Callable[..., Any]) -> Dict[str, Any]:
    innermost: Any = inspect.unwrap(function)
    while isinstance(innermost, functools.partial):
        innermost = inspect.unwrap(innermost.func)
    if not hasattr(innermost, "__globals__"):
        innermost = type(innermost).__call__
    return getattr(innermost, "__globals__", {})


def _returns_only_dicts(function: Callable[..., Any]) -> bool:
    """Whether the source says so; a function that says anything else is seen when it is called."""
    if not inspect.isfunction(function) or hasattr(function, "__wrapped__") or _is_generator(function):
        return False
    try:
        (definition,) = ast.parse(textwrap.dedent(inspect.getsource(function))).body
    except (OSError, TypeError, ValueError, SyntaxError):
        return False
    returns = list(_returns(definition))
    return bool(returns) and all(isinstance(node.value, ast.Dict) for node in returns)


def _is_generator(function: Callable[..., Any]) -> bool:
    return inspect.isgeneratorfunction(function) or inspect.isasyncgenfunction(function)


def _returns(definition: ast.AST) -> Iterator[ast.Return]:
    """The function's own, not those of functions in it."""
    pending: List[ast.AST] = list(ast.iter_child_nodes(definition))
    while pending:
        node = pending.pop()
        if isinstance(node, ast.Return):
            yield node
        elif not isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda, ast.ClassDef)):
            pending.extend(ast.iter_child_nodes(node))
