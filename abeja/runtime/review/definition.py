"""Finds a handler's definition in the model's folder, as an import would."""

import ast
import difflib
from collections.abc import Iterator
from pathlib import Path

from attrs import frozen

from abeja.runtime.review.finding import Finding, Level
from abeja.runtime.review.handler_code import Function, HandlerCode
from abeja.runtime.review.source import Source, parse

# Imports of imports; a circle ends here, too.
_DEPTH = 10
_FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef)
_LITERALS = (ast.Constant, ast.List, ast.Tuple, ast.Set, ast.Dict, ast.JoinedStr, ast.ListComp, ast.DictComp)


@frozen(kw_only=True)
class Definition:
    """Where a handler is defined, or why that is not known.

    Attributes:
        path: the file that was looked at last; None if there is none.
        code: the handler; None if it was not found by reading.
        finding: why it was not.
    """

    path: Path | None = None
    code: HandlerCode | None = None
    finding: Finding | None = None


def find_definition(folder: Path, handler: str) -> Definition:
    """The definition of ``<module>:<function>``."""
    module, _, name = handler.partition(":")
    path = module_file(folder, module)
    if path is None:
        return Definition(finding=_no_module(folder, module, name))
    return _find(folder, path, name, depth=_DEPTH)


def module_file(folder: Path, module: str) -> Path | None:
    """The file of a module of the folder, None if there is none."""
    names = module.split(".")
    if not all(map(str.isidentifier, names)):
        return None
    base = folder.joinpath(*names)
    # In the order of Python's own finder.
    for path in (base / "__init__.py", base.with_name(f"{base.name}.py")):
        if path.is_file():
            return path
    return None


def _find(folder: Path, path: Path, name: str, *, depth: int) -> Definition:
    source = parse(path)
    if source is None or depth == 0:
        return Definition(path=path)
    bindings = [node for node in _statements(source.tree.body) if name in _bound_names(node)]
    if not bindings:
        return Definition(path=path, finding=_not_found(source, name))
    if len(bindings) > 1 and any(binding not in source.tree.body for binding in bindings):
        return Definition(path=path, finding=_unknown(bindings[0].lineno, f"{name} depends on which branch is run"))
    if any(isinstance(node, ast.Global) and name in node.names for node in ast.walk(source.tree)):
        return Definition(path=path, finding=_unknown(bindings[0].lineno, f"{name} is set by a function that is run"))
    # The last one wins when the module is imported.
    return _bound(folder, source, name, bindings[-1], depth=depth)


def _bound(folder: Path, source: Source, name: str, last: ast.stmt, *, depth: int) -> Definition:
    path = source.path
    if isinstance(last, ast.ImportFrom):
        return _imported(folder, path, last, name, depth=depth)
    if isinstance(last, ast.Assign | ast.AnnAssign):
        if isinstance(last.value, ast.Name) and last.value.id != name:
            return _find(folder, path, last.value.id, depth=depth - 1)
        return _assigned(source, name, last)
    if isinstance(last, _FUNCTIONS):
        return Definition(path=path, code=HandlerCode(module=source.tree, function=last))
    is_class = isinstance(last, ast.ClassDef)
    reason = "is a class, and calling it makes an object" if is_class else "is made when the module is imported"
    return Definition(path=path, finding=_unknown(last.lineno, f"{name} {reason}"))


def _assigned(source: Source, name: str, node: ast.Assign | ast.AnnAssign) -> Definition:
    if isinstance(node.value, _LITERALS):
        message = f"{name} is no function: it is assigned a value that cannot be called"
        return Definition(path=source.path, finding=Finding(slug="handler-refused", message=message, line=node.lineno))
    method = _method(source.tree, node.value)
    if method is not None:
        code = HandlerCode(module=source.tree, function=method, is_method=True)
        return Definition(path=source.path, code=code)
    return Definition(
        path=source.path, finding=_unknown(node.lineno, f"{name} is the result of code that runs when it is imported")
    )


def _imported(folder: Path, path: Path, node: ast.ImportFrom, name: str, *, depth: int) -> Definition:
    original = next(alias.name for alias in node.names if name == (alias.asname or alias.name))
    base = path.parents[node.level - 1] if 0 < node.level <= len(path.parents) else folder
    target = module_file(base, node.module) if node.module else base / "__init__.py"
    if target is None or not target.is_file():
        return Definition(
            path=path, finding=_unknown(node.lineno, f"{name} comes from a module that is not in the folder")
        )
    return _find(folder, target, original, depth=depth - 1)


def _method(tree: ast.Module, value: ast.expr | None) -> Function | None:
    """The method that ``Class()`` or ``Class().method`` calls, if a class of the module has it itself."""
    name = "__call__"
    if isinstance(value, ast.Attribute):
        name, value = value.attr, value.value
    if not isinstance(value, ast.Call) or not isinstance(value.func, ast.Name):
        return None
    for node in _statements(tree.body):
        if isinstance(node, ast.ClassDef) and node.name == value.func.id:
            methods = [item for item in node.body if isinstance(item, _FUNCTIONS) and item.name == name]
            return methods[-1] if methods else None
    return None


def _statements(body: list[ast.stmt]) -> Iterator[ast.stmt]:
    """The statements that an import runs, those in blocks included."""
    for node in body:
        yield node
        if not isinstance(node, (*_FUNCTIONS, ast.ClassDef)):
            for field in ("body", "orelse", "finalbody"):
                yield from _statements(getattr(node, field, []))
            for handler in getattr(node, "handlers", []):
                yield from _statements(handler.body)


def _bound_names(node: ast.stmt) -> set[str]:
    if isinstance(node, (*_FUNCTIONS, ast.ClassDef)):
        return {node.name}
    if isinstance(node, ast.Import | ast.ImportFrom):
        return {alias.asname or alias.name.partition(".")[0] for alias in node.names}
    if isinstance(node, ast.Assign | ast.AnnAssign | ast.AugAssign | ast.For | ast.With | ast.Expr):
        return {n.id for n in ast.walk(node) if isinstance(n, ast.Name) and not isinstance(n.ctx, ast.Load)}
    return set()


def _not_found(source: Source, name: str) -> Finding:
    statements = list(_statements(source.tree.body))
    bound = {bound for node in statements for bound in _bound_names(node)}
    if "*" in bound or "__getattr__" in bound or _writes_globals(source.tree):
        return _unknown(0, f"'{name}' may come from code that runs when the module is imported")
    functions = [node.name for node in statements if isinstance(node, _FUNCTIONS) and not node.name.startswith("_")]
    near = difflib.get_close_matches(name, functions, n=1)
    listed = ", ".join(functions[:10]) or "none"
    return Finding(
        slug="handler-attribute-missing",
        message=f"there is no '{name}' in it",
        hint=f"did you mean {near[0]}?" if near else f"its functions: {listed}",
    )


def _writes_globals(tree: ast.Module) -> bool:
    named = {node.id for node in ast.walk(tree) if isinstance(node, ast.Name)}
    return bool(named & {"globals", "setattr", "exec", "vars"}) or any(
        isinstance(node, ast.Global) for node in ast.walk(tree)
    )


def _no_module(folder: Path, module: str, name: str) -> Finding:
    modules = sorted(path.stem for path in folder.glob("*.py") if path.is_file())
    near = difflib.get_close_matches(module, modules, n=1)
    only = modules if len(modules) == 1 else []
    suggestions = [f"did you mean {meant}:{name}?" for meant in (near or only)]
    return Finding(
        slug="handler-module-missing",
        message=f"there is no module '{module}' in the model's folder",
        hint=suggestions[0]
        if suggestions
        else f"its modules: {', '.join(modules[:10]) or 'none'}; --model-dir names it",
    )


def _unknown(line: int, reason: str) -> Finding:
    return Finding(
        slug="handler-not-read",
        message=f"the handler is not checked: {reason}",
        level=Level.NOTE,
        line=line,
    )
