"""What may stand behind an option, for the completion of the shell. Nothing of the model is run."""

import ast
import re
from collections.abc import Callable, Iterator
from pathlib import Path

import click
from click.shell_completion import CompletionItem

from abeja.runtime.errors import AbejaRuntimeError
from abeja.runtime.options import Row, rows

# The vendor's image that has everything; a repository that is typed already stays.
_REPOSITORY = "abeja/all-cpu"
# More and larger files are no handler's modules, and somebody waits.
_MOST_MODULES = 200
_LARGEST_MODULE_BYTES = 256 * 1024
_NOT_HANDLERS = re.compile(r"test_.*|.*_test|conftest|setup|_.*")
# All plugins but those that are called after an image: loading the others takes longer than all the rest.
_NOT_IMAGES = ("[!i]*", "i[!m]*")
# What its metavar says: a choice of words.
_WORD = re.compile(r"[a-z][a-z0-9]*")


def candidates(name: str, ctx: click.Context, incomplete: str) -> list[CompletionItem]:
    """What may stand behind the option `name`, of those that begin with what is typed."""
    row = rows().get(name)
    find = _FINDERS.get(name) or (_OF_METAVARS.get(row.metavar) if row else None)
    try:
        found = find(ctx, incomplete) if find else iter(())
        words = _words(row) if row else iter(())
        return [item for item in (*words, *found) if item.type != "plain" or item.value.startswith(incomplete)]
    except (AbejaRuntimeError, OSError):
        # Whoever presses the key is still typing; the command itself will say it.
        return []


def _words(row: Row) -> Iterator[CompletionItem]:
    for word in row.metavar.split("|"):
        if _WORD.fullmatch(word):
            yield CompletionItem(word)


def _image_versions(ctx: click.Context, _: str) -> Iterator[CompletionItem]:
    from abeja.runtime.config import catalogue  # noqa: PLC0415 (loads plugins)

    blocked = (*(ctx.params.get("block_plugin") or ()), *_NOT_IMAGES)
    for image in catalogue({**ctx.params, "block_plugin": blocked}).images:
        python = f", Python {image.python}" if image.python else ""
        yield CompletionItem(image.name, help=f"ABI {image.abi}{python}")


def _images(ctx: click.Context, incomplete: str) -> Iterator[CompletionItem]:
    repository, colon, _ = incomplete.partition(":")
    for item in _image_versions(ctx, incomplete):
        yield CompletionItem(f"{repository if colon else _REPOSITORY}:{item.value}", help=item.help)


def _handlers(ctx: click.Context, incomplete: str) -> Iterator[CompletionItem]:
    """The functions of the modules in the model's folder; those that are called ``handler`` first."""
    folder = Path(ctx.params.get("model_dir") or ".").expanduser()
    wanted, colon, _ = incomplete.partition(":")
    found = []
    for path in sorted(folder.glob("*.py"))[:_MOST_MODULES]:
        fits = path.stem == wanted if colon else path.stem.startswith(wanted)
        if fits and not _NOT_HANDLERS.fullmatch(path.stem) and path.stat().st_size <= _LARGEST_MODULE_BYTES:
            found += [(path.stem, function) for function in _functions(path)]
    for module, function in sorted(found, key=lambda pair: not pair[1].name.endswith("handler")):
        help_ = (ast.get_docstring(function) or "").partition("\n")[0]
        yield CompletionItem(f"{module}:{function.name}", help=help_ or None)


def _functions(path: Path) -> list[ast.FunctionDef | ast.AsyncFunctionDef]:
    try:
        tree = ast.parse(path.read_bytes())
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return []
    return [
        node
        for node in tree.body
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and not node.name.startswith("_")
    ]


def _pythons(_: click.Context, incomplete: str) -> Iterator[CompletionItem]:
    from abeja.runtime.prepare.interpreters import discover, dotted  # noqa: PLC0415

    if "/" in incomplete:
        yield CompletionItem(incomplete, type="file")
        return
    found = {dotted(interpreter.minor): interpreter for interpreter in reversed(discover())}
    for version in sorted(found, key=lambda text: [int(part) for part in text.split(".")]):
        yield CompletionItem(version, help=f"{found[version].origin}, {found[version].path}")


def _abis(ctx: click.Context, _: str) -> Iterator[CompletionItem]:
    from abeja.runtime.config import catalogue  # noqa: PLC0415 (loads all plugins)

    for abi in catalogue(ctx.params).plugins.abis():
        if abi.template is not None:
            yield CompletionItem(abi.name)


def _plugins(ctx: click.Context, _: str) -> Iterator[CompletionItem]:
    from abeja.runtime.config import catalogue  # noqa: PLC0415 (loads all plugins)

    for plugin in catalogue(ctx.params).plugins.all:
        yield CompletionItem(plugin.source.name, help=plugin.source.origin)


def _folders(_: click.Context, incomplete: str) -> Iterator[CompletionItem]:
    yield CompletionItem(incomplete, type="dir")


def _files(_: click.Context, incomplete: str) -> Iterator[CompletionItem]:
    yield CompletionItem(incomplete, type="file")


_Find = Callable[[click.Context, str], Iterator[CompletionItem]]
_FINDERS: dict[str, _Find] = {
    "image_version": _image_versions,
    "image": _images,
    "handler": _handlers,
    "python": _pythons,
    "abi": _abis,
    "block_plugin": _plugins,
    "env": _folders,
    "config": _files,
    "inputs": _files,
    "output": _files,
}
_OF_METAVARS: dict[str, _Find] = {"DIR": _folders, "FILE": _files, "PATH|URL": _files}
