import sys
from pathlib import Path

import pytest

from bench import environments
from bench.environments import EnvironmentUnavailableError, Recipe, environment
from bench.interpreters import InterpreterMissingError, interpreter

# A virtual environment with pip takes its time on a busy machine.
pytestmark = pytest.mark.timeout(300)


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    return environments.cache()


def test_environment_is_made_once_and_kept(cache: Path) -> None:
    made = environment(Recipe(name="empty", requirements=("pip",)))
    marker = made.folder / "marker"
    marker.touch()

    assert environment(Recipe(name="empty", requirements=("pip",))) == made
    assert marker.exists()
    assert made.folder.parent == cache
    assert made.python.exists()
    assert "pip" in made.versions


def test_environment_that_was_not_finished_is_made_anew(cache: Path) -> None:
    made = environment(Recipe(name="empty", requirements=("pip",)))
    (made.folder / "versions.json").unlink()
    made.python.unlink()

    assert environment(Recipe(name="empty", requirements=("pip",))).python.exists()
    assert [path.name for path in cache.iterdir()] == [made.folder.name]


def test_requirement_that_does_not_exist_is_the_reason(tmp_path: Path) -> None:
    with pytest.raises(EnvironmentUnavailableError, match="cannot be installed: ERROR:"):
        environment(Recipe(name="broken", requirements=(str(tmp_path / "nothing.whl"),)))


def test_python_that_no_machine_has_is_the_reason() -> None:
    with pytest.raises(EnvironmentUnavailableError, match=r"needs Python 3\.99"):
        environment(Recipe(name="future", requirements=(), pythons=("3.99",)))


def test_own_python_is_preferred() -> None:
    own = f"{sys.version_info.major}.{sys.version_info.minor}"

    assert interpreter(()) == interpreter(("3.99", own)) == Path(sys.executable)
    with pytest.raises(InterpreterMissingError):
        interpreter(("3.99",))
