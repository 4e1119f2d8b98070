"""Every built-in plugin has a contract test, and the contracts find what is wrong."""

import importlib.metadata
import importlib.util
from collections.abc import Iterator
from pathlib import Path

import pytest

from abeja.runtime.testing import PluginContract

HERE = Path(__file__)
BUILT_INS = sorted(importlib.metadata.distribution("abeja-runtime").entry_points.select(group="abeja_runtime"))


@pytest.fixture(scope="module")
def tested() -> set[tuple[str, str]]:
    """Kind and module of the plugins that the tests beside this one are about."""
    return {(contract.kind, contract.plugin.__name__) for contract in _contract_tests()}


@pytest.mark.parametrize("entry_point", BUILT_INS, ids=lambda entry_point: entry_point.name)
def test_each_built_in_plugin_has_a_contract_test_of_its_kind(
    entry_point: importlib.metadata.EntryPoint, tested: set[tuple[str, str]]
) -> None:
    assert (entry_point.name.partition("-")[0], entry_point.value) in tested


def test_the_built_ins_are_there() -> None:
    assert BUILT_INS


def _contract_tests() -> Iterator[type[PluginContract]]:
    for path in HERE.parent.glob("test_*.py"):
        if path == HERE:
            continue
        spec = importlib.util.spec_from_file_location(f"contract_tests_{path.stem}", path)
        assert spec is not None
        assert spec.loader is not None
        module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
        for value in vars(module).values():
            if isinstance(value, type) and issubclass(value, PluginContract) and value.__name__.startswith("Test"):
                yield value
