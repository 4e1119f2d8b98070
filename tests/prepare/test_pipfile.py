"""What Pipfile and Pipfile.lock are read as."""

import hashlib
import json
from pathlib import Path
from typing import Any

import pytest

from abeja.runtime import Plan
from abeja_runtime_installers.pipfile import plan

SOURCE = '[[source]]\nurl = "https://index.example/simple"\nverify_ssl = true\nname = "pypi"\n'


def planned(folder: Path, text: str, *, lock: Any = None, **environ: str) -> Plan:
    (folder / "Pipfile").write_text(text)
    if lock is not None:
        (folder / "Pipfile.lock").write_text(json.dumps(lock))
    return plan(folder, environ)


@pytest.mark.parametrize(
    ("entry", "line"),
    [
        ('x = "*"', "x"),
        ('x = "==1.0"', "x==1.0"),
        ('x = ">=1.0,<2"', "x>=1.0,<2"),
        ('x = {version = "*", extras = ["a", "b"]}', "x[a,b]"),
        ('x = {version = "==1", markers = "sys_platform == \'linux\'"}', "x==1 ; (sys_platform == 'linux')"),
        ('x = {version = "*", os_name = "== \'posix\'"}', "x ; (os_name == 'posix')"),
        ('x = {git = "https://host/x.git", ref = "v1", editable = true}', "x @ git+https://host/x.git@v1"),
        ('x = {git = "git@host:me/x.git", subdirectory = "s"}', "x @ git+ssh://git@host/me/x.git#subdirectory=s"),
        ('x = {file = "https://host/x.zip"}', "x @ https://host/x.zip"),
        ('x = {path = "./lib", editable = true}', "--editable {folder}/lib"),
        ('x = {path = "lib", extras = ["a"]}', "x[a] @ file://{folder}/lib"),
    ],
)
def test_an_entry_is_a_line_of_requirements(tmp_path: Path, entry: str, line: str) -> None:
    (tmp_path / "lib").mkdir()

    found = planned(tmp_path, f"[packages]\n{entry}\n")

    assert list(found.requirements) == [line.format(folder=tmp_path)]
    assert found.names == {"x"}


def test_sources_are_indexes_and_variables_are_left_to_whoever_installs(tmp_path: Path) -> None:
    text = (
        '[[source]]\nurl = "https://${TOKEN}@host/simple"\n[[source]]\nurl = "https://$TOKEN@other/simple"\n'
        '[packages]\nx = "*"\n'
    )

    found = planned(tmp_path, text, TOKEN="secret")  # noqa: S106 (it is the point)

    assert list(found.requirements) == [
        "--index-url https://${TOKEN}@host/simple",
        "--extra-index-url https://${TOKEN}@other/simple",
        "x",
    ]
    with pytest.raises(ValueError, match=r"the variable TOKEN .* is not set"):
        planned(tmp_path, text)


@pytest.mark.parametrize("variable", ["PIP_INDEX_URL", "PIPENV_PYPI_MIRROR"])
def test_a_mirror_takes_the_place_of_the_public_index(tmp_path: Path, variable: str) -> None:
    text = f'{SOURCE}[packages]\nx = "*"\n'

    assert list(planned(tmp_path, text).requirements) == ["--index-url https://index.example/simple", "x"]
    assert list(planned(tmp_path, text, **{variable: "https://mirror.example"}).requirements) == ["x"]


def test_a_mirror_does_not_take_the_place_of_another_index(tmp_path: Path) -> None:
    text = SOURCE.replace("pypi", "ours") + '[packages]\nx = "*"\n'

    found = planned(tmp_path, text, PIP_INDEX_URL="https://mirror.example")
    assert list(found.requirements) == ["--index-url https://index.example/simple", "x"]


@pytest.mark.parametrize(
    ("requires", "python"),
    [
        ('python_version = "3.6"', "3.6"),
        ('python_version = "3.6"\npython_full_version = "3.6.8"', "3.6.8"),
        ("", None),
    ],
)
def test_the_python_is_that_of_requires(tmp_path: Path, requires: str, python: str | None) -> None:
    assert planned(tmp_path, f"[packages]\n[requires]\n{requires}\n").python == python


def test_development_packages_are_not_installed(tmp_path: Path) -> None:
    assert planned(tmp_path, '[packages]\n[dev-packages]\npytest = "*"\n').requirements == ()


PIPFILE = f'{SOURCE}\n[packages]\nrequests = "*"\n\n[dev-packages]\n\n[requires]\npython_version = "3.6"\n'
# sha256sum of the canonical JSON of PIPFILE, as pipenv writes it.
CANONICAL = (
    '{"_meta":{"requires":{"python_version":"3.6"},"sources":[{"name":"pypi","url":"https://index.example/simple",'
    '"verify_ssl":true}]},"default":{"requests":"*"},"develop":{}}'
)


def locked(digest: str) -> dict[str, Any]:
    return {
        "_meta": {"hash": {"sha256": digest}, "pipfile-spec": 6, "requires": {"python_version": "3.6"}},
        "default": {
            "requests": {"hashes": ["sha256:aa", "sha256:bb"], "index": "pypi", "version": "==2.21.0"},
            "idna": {"hashes": ["sha256:cc"], "markers": "python_version >= '2.7'", "version": "==2.8"},
        },
        "develop": {},
    }


def test_a_lock_of_this_pipfile_is_installed_with_its_hashes(tmp_path: Path) -> None:
    found = planned(tmp_path, PIPFILE, lock=locked(hashlib.sha256(CANONICAL.encode()).hexdigest()))

    assert list(found.requirements) == [
        "--index-url https://index.example/simple",
        "requests==2.21.0 --hash=sha256:aa --hash=sha256:bb",
        "idna==2.8 ; (python_version >= '2.7') --hash=sha256:cc",
    ]
    assert found.must_match_hashes
    assert (found.source, found.python, found.warnings) == ("Pipfile.lock", "3.6", ())
    assert found.read == (tmp_path / "Pipfile", tmp_path / "Pipfile.lock")


def test_the_lock_says_which_source_goes_without_saying(tmp_path: Path) -> None:
    lock = locked(hashlib.sha256(CANONICAL.encode()).hexdigest())
    lock["_meta"]["sources"] = [{"name": "pypi", "url": "https://index.example/simple", "verify_ssl": True}]

    assert planned(tmp_path, PIPFILE.replace(SOURCE, ""), lock=lock).source == "Pipfile.lock"


def test_a_stale_lock_is_not_used_and_said_so(tmp_path: Path) -> None:
    found = planned(tmp_path, PIPFILE, lock=locked("0" * 64))

    assert list(found.requirements) == ["--index-url https://index.example/simple", "requests"]
    assert not found.must_match_hashes
    assert "Pipfile.lock is not of this Pipfile any more" in found.warnings[0]


@pytest.mark.parametrize(
    "text", ["[packages", "[packages]\nx = 1\n", '[[source]]\nname = "x"\n', '[packages]\nx = {path = "missing"}\n']
)
def test_what_cannot_be_understood_is_an_error(tmp_path: Path, text: str) -> None:
    with pytest.raises(ValueError, match=r"."):
        planned(tmp_path, text)
