"""Who may import whom."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

import abeja.runtime


def test_abeja_is_a_namespace(repository: Path) -> None:
    assert not (repository / "abeja" / "__init__.py").exists()


def test_core_imports_nothing_from_the_built_in_plugins(repository: Path) -> None:
    built_ins = {path.parent.name for path in repository.glob("plugins/*/__init__.py")}
    imported = {name.split(".")[0] for path in repository.glob("abeja/**/*.py") for name in _imports(path)}

    assert built_ins
    assert imported.isdisjoint(built_ins)


def test_built_in_plugins_import_only_the_public_names_of_abeja_runtime(repository: Path) -> None:
    imported = {name for path in repository.glob("plugins/**/*.py") for name in _imports(path)}
    ours = {name for name in imported if name.split(".")[0] == "abeja"}

    assert ours <= {f"abeja.runtime.{name}" for name in abeja.runtime.__all__}


@pytest.mark.parametrize(
    "half",
    [
        "abeja/runtime/worker/*.py",
        "abeja/runtime/testing/handler_path/**/*.py",
        "plugins/*/*/worker.py",
        "plugins/*/*/worker/*.py",
    ],
)
def test_worker_half_never_imports_abeja(repository: Path, half: str) -> None:
    paths = list(repository.glob(half))

    assert paths
    assert not [path for path in paths if "abeja" in {name.split(".")[0] for name in _imports(path)}]


def _imports(path: Path) -> Iterator[str]:
    """The absolute names that a file imports, ``package.module.name`` for ``from package.module import name``."""
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and not node.level:
            yield from (f"{node.module}.{alias.name}" for alias in node.names)
