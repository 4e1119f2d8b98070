"""Which Pythons are found, and which one is chosen."""

import sys
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest

from abeja.runtime.errors import InterpreterMissingError
from abeja.runtime.prepare.choice import choose
from abeja.runtime.prepare.interpreters import Interpreter, discover, dotted
from abeja.runtime.prepare.python_range import PythonRange

OWN = sys.version_info[:3]
REAL = Path(sys.executable).resolve()
Machine = Callable[..., Sequence[Interpreter]]


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    """A machine that has the tests' own Python by pyenv, by uv, or on the PATH: ``machine("pyenv", "PATH")``."""

    def found(*origins: str) -> Sequence[Interpreter]:
        version, command = dotted(OWN), f"python3.{OWN[1]}"
        for origin, folder in {
            "pyenv": f"pyenv/versions/{version}/bin",
            "uv": f"uv/cpython-{version}-linux-x86_64-gnu/bin",
            "PATH": "path",
        }.items():
            (tmp_path / folder).mkdir(parents=True)
            if origin in origins:
                (tmp_path / folder / command).symlink_to(REAL)
        (tmp_path / "pyenv/versions/my-project/bin").mkdir(parents=True)
        return discover(
            {
                "PYENV_ROOT": str(tmp_path / "pyenv"),
                "UV_PYTHON_INSTALL_DIR": str(tmp_path / "uv"),
                "PATH": str(tmp_path / "path"),
            }
        )

    return found


def test_pythons_are_found_where_they_are_installed(machine: Machine) -> None:
    found = machine("pyenv", "uv", "PATH")

    assert [interpreter.origin for interpreter in found] == ["pyenv", "uv", "PATH", "the server's"]
    assert [interpreter.version for interpreter in found] == [OWN, OWN, OWN[:2], OWN]


def test_without_a_wish_it_is_the_servers_own(machine: Machine) -> None:
    choice = choose(machine("pyenv"), wishes=[(None, "the image")])

    assert (choice.interpreter.path, choice.is_substitute) == (Path(sys.executable), False)


@pytest.mark.parametrize("wanted", [f"3.{OWN[1]}", dotted(OWN), f"3.{OWN[1]}.99", "3"])
def test_a_wish_is_met_by_the_version_whatever_its_micro(machine: Machine, wanted: str) -> None:
    choice = choose(machine("pyenv"), wishes=[(wanted, "Pipfile"), ("3.6", "the image")])

    assert (choice.interpreter.origin, choice.is_substitute) == ("pyenv", False)


def test_a_missing_version_is_replaced_by_the_nearest_newer_one(machine: Machine) -> None:
    choice = choose(machine(), wishes=[("3.6", "image version 19.04")])

    assert choice.is_substitute
    assert choice.interpreter.version == OWN
    assert (choice.wanted, choice.asked_by) == ("3.6", "image version 19.04")


def test_a_name_that_does_not_run_is_passed_over(machine: Machine, tmp_path: Path) -> None:
    broken = tmp_path / "pyenv/versions/3.6.1/bin/python3.6"
    broken.parent.mkdir(parents=True)
    broken.write_text("#!/bin/sh\necho 'pyenv: version not selected' >&2\nexit 127\n")
    broken.chmod(0o755)

    choice = choose(machine(), wishes=[("3.6", "the image")])

    assert choice.is_substitute


def test_nothing_newer_is_an_error_that_lists_what_there_is(machine: Machine) -> None:
    with pytest.raises(InterpreterMissingError, match=rf"nor a newer one.*\nFound: {dotted(OWN)}"):
        choose(machine(), wishes=[("3.99", "Pipfile")])


@pytest.mark.parametrize("option", [f"3.{OWN[1]}", str(REAL)])
def test_the_option_wins_and_is_a_version_or_a_path(machine: Machine, option: str) -> None:
    choice = choose(machine("pyenv"), option=option, wishes=[("3.6", "the image")])

    assert choice.interpreter.facts.version == OWN
    assert choice.asked_by == "--python"


@pytest.mark.parametrize("option", ["3.99", "3.6.999", "python0.9", "/nowhere/python", "/bin/false"])
def test_an_option_that_names_none_is_an_error(machine: Machine, option: str) -> None:
    with pytest.raises(InterpreterMissingError):
        choose(machine("pyenv"), option=option)


@pytest.mark.parametrize("option", ["2", "2.7", "2.7.18", "3.5", "3.5.2"])
def test_a_version_that_is_too_old_is_named_so(machine: Machine, option: str) -> None:
    with pytest.raises(InterpreterMissingError, match=r"too old: expected 3\.6 or later") as caught:
        choose(machine("pyenv"), option=option)

    assert "install" not in caught.value.hint


# As 2.7, which has no -I, and as 3.5, which answers every question.
@pytest.mark.parametrize(
    "script",
    [
        '[ "$1" = -c ] || { echo "Unknown option: -I" >&2; exit 2; }; echo 2.7.18',
        """echo '{"version": [3, 5, 2], "implementation": "", "platform": "", "prefix": "", "base": ""}'""",
    ],
)
def test_an_interpreter_that_is_too_old_is_named_so(machine: Machine, tmp_path: Path, script: str) -> None:
    old = tmp_path / "python"
    old.write_text(f"#!/bin/sh\n{script}\n")
    old.chmod(0o755)

    with pytest.raises(InterpreterMissingError, match=r"python is Python [\d.]+, which is too old: expected 3\.6"):
        choose(machine(), option=str(old))


def test_what_is_no_interpreter_is_reported_with_what_it_said(machine: Machine, tmp_path: Path) -> None:
    program = tmp_path / "program"
    program.write_text("#!/bin/sh\necho 'I know nothing' >&2\nexit 3\n")
    program.chmod(0o755)

    with pytest.raises(InterpreterMissingError, match=r"that runs: it ended with exit code 3: I know nothing\.$"):
        choose(machine(), option=str(program))


def test_each_version_is_listed_once(machine: Machine, tmp_path: Path) -> None:
    shim = tmp_path / "path" / "python3.7"
    found = machine("pyenv", "uv", "PATH")
    shim.write_text("#!/bin/sh\nexit 127\n")
    shim.chmod(0o755)

    with pytest.raises(InterpreterMissingError, match=rf"\nFound: {dotted(OWN)}\."):
        choose([*found, Interpreter(path=shim, version=(3, 7), origin="PATH")], option="3.99")


@pytest.mark.parametrize(
    ("wanted", "admitted", "refused"),
    [
        (">=3.8", [(3, 8), (3, 8, 1), (3, 13)], [(3, 7, 16)]),
        (">=3.8,<3.12", [(3, 8), (3, 11, 7)], [(3, 12), (3, 12, 1)]),
        (" >3.8 , <= 3.10 ", [(3, 8, 1), (3, 10, 0)], [(3, 8), (3, 10, 13)]),
        ("==3.9.*", [(3, 9), (3, 9, 18)], [(3, 10), (3, 8, 18)]),
        ("==3.9", [(3, 9, 0)], [(3, 9, 18)]),
        ("!=3.9.*,!=3.10.1", [(3, 10), (3, 8)], [(3, 9, 18), (3, 10, 1)]),
        ("~=3.8", [(3, 8), (3, 13)], [(3, 7), (4, 0)]),
        ("~=3.8.2", [(3, 8, 2), (3, 8, 18)], [(3, 8, 1), (3, 9)]),
    ],
)
def test_a_range_admits_what_requires_python_admits(
    wanted: str, admitted: list[tuple[int, ...]], refused: list[tuple[int, ...]]
) -> None:
    assert [version for version in admitted + refused if PythonRange(wanted).admits(version)] == admitted


@pytest.mark.parametrize("text", ["", "three", ">=", ">=3.8 <3.12", ">=3.*", "~=3", "=3.8"])
def test_what_is_no_range_is_an_error_that_says_who_asked(machine: Machine, text: str) -> None:
    with pytest.raises(InterpreterMissingError, match=r"\(pyproject.toml\) is neither a version"):
        choose(machine(), wishes=[(text, "pyproject.toml")])


def test_within_a_range_the_next_wish_counts(machine: Machine) -> None:
    own = f"3.{OWN[1]}"

    choice = choose(machine(), wishes=[(f">={own}", "pyproject.toml"), (own, "the image")])

    assert (choice.interpreter.minor, choice.is_substitute) == (OWN[:2], False)


def test_a_wish_outside_of_the_range_does_not_count(machine: Machine) -> None:
    choice = choose(machine(), wishes=[(f">={dotted(OWN)}", "pyproject.toml"), ("3.6", "the image")])

    assert (choice.interpreter.version, choice.is_substitute) == (OWN, False)


def test_a_wish_within_the_range_that_is_not_here_is_replaced_with_a_word(machine: Machine) -> None:
    choice = choose(machine(), wishes=[(">=3.6", "pyproject.toml"), ("3.6", "the image")])

    assert (choice.interpreter.version, choice.wanted, choice.is_substitute) == (OWN, "3.6", True)


def test_a_range_that_nothing_here_fulfils_names_it(machine: Machine) -> None:
    with pytest.raises(InterpreterMissingError, match=r"no Python on this machine is >=3\.99 \(pyproject.toml\)"):
        choose(machine(), wishes=[(">=3.99", "pyproject.toml"), ("3.6", "the image")])
