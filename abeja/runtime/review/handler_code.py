"""The code of a handler as an ABI reviews it: parsed, with what such reviews ask for."""

import ast
from collections.abc import Iterator

from attrs import evolve, frozen

Function = ast.FunctionDef | ast.AsyncFunctionDef

# What has a body of its own, that a call of the function does not run by itself.
_INNER = (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda, ast.ClassDef)


@frozen(kw_only=True)
class Use:
    """One place where a handler uses a parameter.

    Attributes:
        line: its number, from 1.
        key: ``x`` of ``parameter["x"]``.
        attributes: ``("x", "y")`` of ``parameter.x.y``.
        argument: ``a`` of ``parameter.x("a")``; the first argument, if it is a text.
        passed_to: ``f`` of ``f(parameter)``, ``module.f`` of ``module.f(parameter)``.
        is_iterated: whether it is ``for ... in parameter``, also in a comprehension.
        is_assigned: whether the key or the attribute is assigned or deleted.
        is_guarded: whether a ``try`` around it may catch what goes wrong, or it is in a function that the
            handler defines, whose caller may.
    """

    line: int
    key: str | None = None
    attributes: tuple[str, ...] = ()
    argument: str | None = None
    passed_to: str = ""
    is_iterated: bool = False
    is_assigned: bool = False
    is_guarded: bool = False


# What asks a value what it is, or has.
_QUESTIONS = ("hasattr", "isinstance", "getattr", "callable", "type")


@frozen(kw_only=True)
class HandlerCode:
    """A handler, as its source defines it.

    Attributes:
        module: the module that defines it.
        function: its definition; the method for an instance or a bound method.
        is_method: whether its first parameter is the instance.
    """

    module: ast.Module
    function: Function
    is_method: bool = False

    @property
    def is_decorated(self) -> bool:
        """Whether decorators decide how it is called and what its answer becomes."""
        return bool(self.function.decorator_list)

    @property
    def parameters(self) -> tuple[str, ...]:
        """Names of the parameters that positional arguments reach; none if it is decorated."""
        arguments = self.function.args
        names = [argument.arg for argument in (*arguments.posonlyargs, *arguments.args)]
        return () if self.is_decorated else tuple(names[self.is_method :])

    @property
    def is_generator(self) -> bool:
        """Whether it yields."""
        return any(isinstance(node, ast.Yield | ast.YieldFrom) for node in self.nodes())

    @property
    def returned(self) -> tuple[ast.expr, ...]:
        """The values of its ``return`` statements."""
        return tuple(node.value for node in self.nodes() if isinstance(node, ast.Return) and node.value is not None)

    def refuses(self, count: int) -> str:
        """Why it cannot be called with `count` positional arguments; empty if it can, or if it is decorated."""
        arguments = self.function.args
        if self.is_decorated:
            return ""
        required = len(self.parameters) - len(arguments.defaults)
        keywords = [
            a.arg for a, value in zip(arguments.kwonlyargs, arguments.kw_defaults, strict=True) if value is None
        ]
        if keywords:
            return f"it needs the keyword argument {keywords[0]}"
        if count < required or (count > len(self.parameters) and arguments.vararg is None):
            return f"it takes {len(self.parameters)} and not {count} arguments"
        return ""

    def nodes(self) -> Iterator[ast.AST]:
        """What a call runs, in the order of the source: not the bodies of functions and classes in it."""
        pending: list[ast.AST] = list(reversed(self.function.body))
        while pending:
            node = pending.pop()
            yield node
            if not isinstance(node, _INNER):
                pending.extend(reversed(list(ast.iter_child_nodes(node))))

    def defines(self, name: str) -> bool:
        """Whether the module or the function binds `name`, anywhere."""
        return any(name in _bound(node) for node in ast.walk(self.module))

    def uses(self, position: int) -> tuple[Use, ...]:
        """Where it uses the parameter at `position`, from 0, also in functions that it defines.

        Empty if there is no such parameter, or if the handler gives its name another value.
        """
        if position >= len(self.parameters):
            return ()
        name = self.parameters[position]
        if any(name in _bound(node) for node in self.nodes()):
            return ()
        found: list[Use] = []
        for statement in self.function.body:
            _collect(statement, name, (), found)
        # Who asks what it is may go on only where it is what is used then.
        is_asked = any(use.passed_to in _QUESTIONS for use in found)
        return tuple(evolve(use, is_guarded=use.is_guarded or is_asked) for use in found)


def _bound(node: ast.AST) -> tuple[str, ...]:
    if isinstance(node, ast.Name) and not isinstance(node.ctx, ast.Load):
        return (node.id,)
    if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
        return (node.name,)
    if isinstance(node, ast.Import | ast.ImportFrom):
        return tuple(alias.asname or alias.name.split(".")[0] for alias in node.names)
    return ()


def _collect(node: ast.AST, name: str, around: tuple[ast.AST, ...], found: list[Use]) -> None:
    """Add the uses of `name` in `node`; `around` is what it is in, the nearest last."""
    if isinstance(node, ast.Name) and node.id == name:
        found.append(_use(node, around))
    if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda) and _has_parameter(node, name):
        return
    for child in ast.iter_child_nodes(node):
        _collect(child, name, (*around, node), found)


def _has_parameter(function: Function | ast.Lambda, name: str) -> bool:
    arguments = function.args
    return any(
        argument is not None and argument.arg == name
        for argument in (*arguments.posonlyargs, *arguments.args, *arguments.kwonlyargs, arguments.vararg)
    )


def _use(node: ast.expr, around: tuple[ast.AST, ...]) -> Use:
    line, is_guarded = node.lineno, _is_guarded(node, around)
    chain = _attributes(around)
    parent = around[-1 - len(chain)] if len(around) > len(chain) else None
    if chain:
        return Use(
            line=line,
            attributes=tuple(attribute.attr for attribute in chain),
            argument=_first_text(parent) if isinstance(parent, ast.Call) and parent.func is chain[-1] else None,
            is_assigned=not isinstance(chain[0].ctx, ast.Load),
            is_guarded=is_guarded,
        )
    if isinstance(parent, ast.Subscript) and parent.value is node:
        key = parent.slice.value if isinstance(parent.slice, ast.Constant) else None
        return Use(
            line=line,
            key=key if isinstance(key, str) else None,
            is_assigned=not isinstance(parent.ctx, ast.Load),
            is_guarded=is_guarded,
        )
    if isinstance(parent, ast.Call) and node in parent.args:
        return Use(line=line, passed_to=ast.unparse(parent.func), is_guarded=is_guarded)
    is_iterated = isinstance(parent, ast.For | ast.AsyncFor | ast.comprehension) and parent.iter is node
    return Use(line=line, is_iterated=is_iterated, is_guarded=is_guarded)


def _attributes(around: tuple[ast.AST, ...]) -> list[ast.Attribute]:
    """Those that follow a name, the nearest first."""
    chain: list[ast.Attribute] = []
    for outer in reversed(around):
        if not isinstance(outer, ast.Attribute):
            break
        chain.append(outer)
    return chain


def _first_text(call: ast.Call) -> str | None:
    value = call.args[0].value if call.args and isinstance(call.args[0], ast.Constant) else None
    return value if isinstance(value, str) else None


def _is_guarded(node: ast.AST, around: tuple[ast.AST, ...]) -> bool:
    for outer, inner in zip(around, (*around[1:], node), strict=True):
        if isinstance(outer, ast.Try | ast.TryStar) and outer.handlers and inner in outer.body:
            return True
        if isinstance(outer, _INNER) or (isinstance(outer, ast.With) and any(map(_suppresses, outer.items))):
            return True
    return False


def _suppresses(item: ast.withitem) -> bool:
    call = item.context_expr
    return isinstance(call, ast.Call) and ast.unparse(call.func).rpartition(".")[2] == "suppress"
