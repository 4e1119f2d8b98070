"""What is in the wheel, and what is not."""

import configparser
import tomllib
import zipfile
from pathlib import Path

import pytest

pytestmark = pytest.mark.timeout(300)


@pytest.fixture(scope="module")
def contents(wheel: Path) -> dict[str, bytes]:
    """The wheel's files by name."""
    with zipfile.ZipFile(wheel) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def test_wheel_has_exactly_the_modules_of_both_source_roots(contents: dict[str, bytes], sources: Path) -> None:
    modules = {path.relative_to(sources) for path in sources.glob("abeja/**/*.py")}
    plugins = {path.relative_to(sources / "plugins") for path in sources.glob("plugins/**/*.py")}

    assert {name for name in contents if name.endswith(".py")} == {str(path) for path in modules | plugins}


def test_wheel_leaves_the_init_of_abeja_to_its_owner(contents: dict[str, bytes]) -> None:
    assert "abeja/runtime/__init__.py" in contents
    assert "abeja/__init__.py" not in contents


def test_wheel_has_only_packages_and_metadata(contents: dict[str, bytes], wheel: Path) -> None:
    metadata = "-".join(wheel.name.split("-")[:2]) + ".dist-info"

    assert {name.split("/")[0] for name in contents} == {
        "abeja",
        "abeja_runtime_abis",
        "abeja_runtime_encoders",
        "abeja_runtime_installers",
        "abeja_runtime_observers",
        "abeja_runtime_results",
        "abeja_runtime_sources",
        metadata,
    }


@pytest.mark.parametrize("name", ["images.toml", "prepare/uv.toml", "py.typed", "server/console/parts/page.html"])
def test_wheel_has_the_data_file(contents: dict[str, bytes], name: str) -> None:
    assert f"abeja/runtime/{name}" in contents


@pytest.mark.parametrize("abi", ["v18_10", "v19_04"])
def test_wheel_has_the_files_of_a_new_model(contents: dict[str, bytes], sources: Path, abi: str) -> None:
    template = f"abeja_runtime_abis/{abi}/template"
    names = {path.name for path in (sources / "plugins" / template).iterdir() if path.is_file()}

    assert {"README.md", "main.py", "request.json", "requirements.txt", "test_main.py"} <= names
    assert {f"{template}/{name}" for name in names} <= contents.keys()


def test_wheel_has_every_source_of_the_console(contents: dict[str, bytes], sources: Path) -> None:
    folder = "abeja/runtime/server/console/parts"

    assert {name for name in contents if name.startswith(f"{folder}/")} == {
        f"{folder}/{path.name}" for path in (sources / folder).iterdir()
    }


def test_wheel_has_every_built_in_plugin_with_the_worker_half_of_those_that_have_one(
    contents: dict[str, bytes],
) -> None:
    plugins = _entry_points(contents)["abeja_runtime"]

    assert plugins
    for name, module in plugins.items():
        folder = module.replace(".", "/")
        # Extractors, sources and installers run in the server's process.
        assert f"{folder}/__init__.py" in contents
        if name.startswith(("abi-", "encoder-")):
            # A module or a package.
            assert {f"{folder}/worker.py", f"{folder}/worker/__init__.py"} & contents.keys()


def test_wheel_has_every_entry_point_of_the_project(contents: dict[str, bytes], sources: Path) -> None:
    project = tomllib.loads((sources / "pyproject.toml").read_text())["project"]

    assert _entry_points(contents) == {"console_scripts": project["scripts"], **project["entry-points"]}
    assert project["scripts"] == {"abeja-runtime": "abeja.runtime.cli:main"}


def test_wheel_has_the_licence(contents: dict[str, bytes]) -> None:
    (licence,) = (data for name, data in contents.items() if name.endswith("/licenses/LICENSE"))

    assert b"Apache License" in licence


def _entry_points(contents: dict[str, bytes]) -> dict[str, dict[str, str]]:
    (text,) = (data.decode() for name, data in contents.items() if name.endswith("/entry_points.txt"))
    parser = configparser.ConfigParser(delimiters=["="], interpolation=None)
    parser.optionxform = str  # type: ignore[assignment,method-assign] # names are case-sensitive
    parser.read_string(text)
    return {section: dict(parser[section]) for section in parser.sections()}
