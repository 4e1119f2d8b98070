"""Reads which modules a handler imports, without running it."""

import ast
import os
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TypeGuard

from attrs import frozen

# In files that this Python cannot parse, such as those with `async` for a name, as 3.6 allowed.
_IMPORT_LINE = re.compile(r"^\s*(?:import\s+([\w., \t]+)|from\s+(\w+)[\w.]*\s+import\b)", re.MULTILINE | re.ASCII)
# Calls that import what no one can read: then every file of the folder counts.
_IMPORTERS = {"__import__", "import_module"}
_RUNNERS = {"exec", "run_path", "run_module"}
# Folders that hold other programs' modules, or none.
_NOT_SOURCES = {"__pycache__", "node_modules", "site-packages"}


@frozen(kw_only=True)
class Site:
    """Where a module is imported.

    Attributes:
        path: the file; None for the handler's module itself.
        line: its number, from 1; 0 if it is not known.
        is_optional: whether the code goes on without the module.
    """

    path: Path | None
    line: int = 0
    is_optional: bool = False


@frozen(kw_only=True)
class ImportGraph:
    """What a handler's module imports, and what that imports.

    Attributes:
        outside: names of top-level modules that are not of the folder, with where each is imported; a place
            that needs it comes before one that does not.
        files: the files of the folder that were read, in the order in which they are imported.
    """

    outside: Mapping[str, Site]
    files: tuple[Path, ...]


def import_graph(folder: Path, module: str) -> ImportGraph:
    """What is read from `module` on, but for what is imported by a computed name."""
    scan = _Scan(folder)
    scan.follow(module)
    return ImportGraph(outside={name: site for name, site in scan.outside.items() if name}, files=tuple(scan.files))


def imported_modules(folder: Path, module: str) -> frozenset[str]:
    """Names of the top-level modules that a handler's module needs from outside its folder.

    The folder's own modules are followed from `module`. If one of them imports by a computed name,
    all Python files of the folder are read.
    """
    scan = _Scan(folder)
    scan.follow(module)
    if scan.is_dynamic:
        for path in _python_files(folder):
            scan.read(path)
    return frozenset(set(scan.outside) - {""})


class _Scan:
    def __init__(self, folder: Path) -> None:
        self._folder = folder
        # As an ordered set.
        self.files: dict[Path, None] = {}
        self.outside: dict[str, Site] = {}
        self.is_dynamic = False

    def follow(self, module: str, site: Site | None = None) -> None:
        """Read a module and its packages if they are of the folder; otherwise take note of it."""
        parts = module.split(".")
        if not _is_module(self._folder / parts[0]):
            self._take_note(parts[0], site or Site(path=None))
        for depth in range(1, len(parts) + 1):
            self._read_module(self._folder.joinpath(*parts[:depth]))

    def read(self, path: Path) -> None:
        """Read one file and what it imports."""
        if path in self.files:
            return
        self.files[path] = None
        source = path.read_bytes()
        try:
            tree = ast.parse(source)
        # Nested too deeply, it is a MemoryError.
        except (SyntaxError, ValueError, RecursionError, MemoryError):
            for module in _import_lines(source.decode("utf-8", "replace")):
                # Whether it is guarded is not known.
                self.follow(module, Site(path=path, is_optional=True))
            return
        optional = _optional(tree)
        for node in ast.walk(tree):
            if isinstance(node, ast.Import | ast.ImportFrom | ast.Call):
                self._node(node, Site(path=path, line=node.lineno, is_optional=node in optional), path)

    def _take_note(self, module: str, site: Site) -> None:
        known = self.outside.get(module)
        if known is None or (known.is_optional and not site.is_optional):
            self.outside[module] = site

    def _node(self, node: ast.Import | ast.ImportFrom | ast.Call, site: Site, path: Path) -> None:
        if isinstance(node, ast.Import):
            for alias in node.names:
                self.follow(alias.name, site)
        elif isinstance(node, ast.ImportFrom):
            self._import_from(node, site, path)
        else:
            self._call(node, site)

    def _import_from(self, node: ast.ImportFrom, site: Site, path: Path) -> None:
        module = node.module or ""
        if not node.level:
            self.follow(module, site)
        elif node.level > len(path.parents):
            return
        # Each name may be a module: `from package import module`.
        base = (path.parents[node.level - 1] if node.level else self._folder).joinpath(*module.split("."))
        self._read_module(base)
        for alias in node.names:
            self._read_module(base / alias.name)

    def _call(self, node: ast.Call, site: Site) -> None:
        function = node.func
        name = function.attr if isinstance(function, ast.Attribute) else getattr(function, "id", "")
        argument = node.args[0] if node.args else None
        if name in _IMPORTERS and isinstance(argument, ast.Constant) and isinstance(argument.value, str):
            self.follow(argument.value.lstrip("."), site)
        elif name in _IMPORTERS | _RUNNERS:
            self.is_dynamic = True

    def _read_module(self, base: Path) -> None:
        if self._folder not in base.parents:
            return
        for path in (base.with_name(f"{base.name}.py"), base / "__init__.py"):
            if path.is_file():
                self.read(path)


def _optional(tree: ast.Module) -> set[ast.AST]:
    """What runs under a ``try`` or only for type checkers: a missing module is no error there."""
    blocks: list[ast.stmt] = []
    for node in ast.walk(tree):
        if isinstance(node, ast.Try | ast.TryStar) and node.handlers:
            # In a handler stands the import that is tried next.
            blocks += [*node.body, *(statement for handler in node.handlers for statement in handler.body)]
        elif _is_not_always_run(node):
            blocks += node.body
    return {inner for block in blocks for inner in ast.walk(block)}


def _is_not_always_run(node: ast.AST) -> TypeGuard[ast.If | ast.With]:
    if isinstance(node, ast.With):
        return any("suppress(" in ast.unparse(item) for item in node.items)
    return isinstance(node, ast.If) and ast.unparse(node.test).endswith(("TYPE_CHECKING", "__name__ == '__main__'"))


def _is_module(base: Path) -> bool:
    # A folder without __init__.py is a package, too.
    return base.with_name(f"{base.name}.py").is_file() or (base.is_dir() and any(_python_files(base)))


def _python_files(folder: Path) -> Iterator[Path]:
    for parent, folders, files in os.walk(folder):
        has_interpreter = "pyvenv.cfg" in files
        folders[:] = [] if has_interpreter else [f for f in folders if f not in _NOT_SOURCES and f[0] != "."]
        yield from (Path(parent, name) for name in files if name.endswith(".py") and not has_interpreter)


def _import_lines(source: str) -> Iterator[str]:
    for plain, origin in _IMPORT_LINE.findall(source):
        for name in plain.split(",") if plain else (origin,):
            yield name.split()[0] if name.split() else ""
