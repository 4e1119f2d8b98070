"""What requirements.txt is read as."""

from pathlib import Path

import pytest

from abeja.runtime import Plan
from abeja_runtime_installers.requirements import plan


def planned(folder: Path, text: str, **files: str) -> Plan:
    (folder / "requirements.txt").write_text(text)
    for name, content in files.items():
        (folder / f"{name}.txt").write_text(content)
    return plan(folder, {"STAGE": "more"})


@pytest.mark.parametrize(
    ("text", "lines", "names"),
    [
        ("numpy==1.16.3\n", ["numpy==1.16.3"], {"numpy"}),
        ("# all\n\nnumpy # why\n", ["numpy"], {"numpy"}),
        ("numpy \\\n  >=1.16\n", ["numpy    >=1.16"], {"numpy"}),
        ("\ufeffnumpy\r\nscipy\r\n", ["numpy", "scipy"], {"numpy", "scipy"}),
        (
            "Keras[visualize]>=2 ; python_version < '3.7'\n",
            ["Keras[visualize]>=2 ; python_version < '3.7'"],
            {"Keras"},
        ),
        ("numpy~=1.16\nabeja.sdk (>1)\n", ["numpy~=1.16", "abeja.sdk (>1)"], {"numpy", "abeja.sdk"}),
        ("x @ https://host/x-1-py3-none-any.whl\n", ["x @ https://host/x-1-py3-none-any.whl"], {"x"}),
        ("https://host/x-1-py3-none-any.whl#egg=x\n", ["https://host/x-1-py3-none-any.whl#egg=x"], {"x"}),
        ("git+https://host/x.git@v1#egg=x\n", ["git+https://host/x.git@v1#egg=x"], {"x"}),
        ("-e git+https://host/x.git@v1#egg=x\n", ["x @ git+https://host/x.git@v1"], {"x"}),
        (
            "--extra-index-url https://${TOKEN}@host/simple\nx\n",
            ["--extra-index-url https://${TOKEN}@host/simple", "x"],
            {"x"},
        ),
        (
            "-i https://host/simple\n--no-binary=:all:\nx\n",
            ["--index-url https://host/simple", "--no-binary :all:", "x"],
            {"x"},
        ),
        ("-f https://host/links\nx\n", ["--find-links https://host/links", "x"], {"x"}),
        ("", [], set()),
        ("# nothing\n--index-url https://host\n", [], set()),
    ],
)
def test_lines_keep_their_meaning(tmp_path: Path, text: str, lines: list[str], names: set[str]) -> None:
    found = planned(tmp_path, text)

    assert list(found.requirements) == lines
    assert found.names == names
    assert found.read == (tmp_path / "requirements.txt",)
    assert not found.must_match_hashes


def test_hashes_are_kept_and_then_needed_by_all(tmp_path: Path) -> None:
    found = planned(tmp_path, "x==1 \\\n    --hash=sha256:aa \\\n    --hash=sha256:bb\n")

    assert [line.split() for line in found.requirements] == [["x==1", "--hash=sha256:aa", "--hash=sha256:bb"]]
    assert found.must_match_hashes


@pytest.mark.parametrize("option", ["-r more.txt", "-rmore.txt", "--requirement=more.txt", "-r ${STAGE}.txt"])
def test_other_files_are_read_in_place(tmp_path: Path, option: str) -> None:
    found = planned(tmp_path, f"a\n{option}\nc\n", more="b\n-r requirements.txt\n")

    assert list(found.requirements) == ["a", "b", "c"]
    assert found.read == (tmp_path / "requirements.txt", tmp_path / "more.txt")


def test_constraints_ask_for_nothing(tmp_path: Path) -> None:
    found = planned(tmp_path, "a\n-c more.txt\n", more="b==1\n")

    assert list(found.requirements) == ["a", f"--constraint {tmp_path}/more.txt"]
    assert found.names == {"a"}
    assert tmp_path / "more.txt" in found.read


def test_projects_are_found_from_the_models_folder(tmp_path: Path) -> None:
    (tmp_path / "lib").mkdir()
    found = planned(tmp_path, "./lib[extra]\n-e ./lib\n")

    assert list(found.requirements) == [f"{tmp_path}/lib[extra]", f"--editable {tmp_path}/lib"]
    assert tmp_path / "lib" in found.read
    assert found.names == set()


def test_options_without_effect_are_named(tmp_path: Path) -> None:
    found = planned(tmp_path, "--prefer-binary\na\n")

    assert found.warnings == ("requirements.txt: the option --prefer-binary has no effect here.",)


@pytest.mark.parametrize(
    ("content", "words"),
    [(b"-r missing.txt", "no file .*missing.txt"), (b"./missing", "no file or folder"), (b"# \x93\xfa", "not UTF-8")],
)
def test_what_cannot_be_read_is_an_error(tmp_path: Path, content: bytes, words: str) -> None:
    (tmp_path / "requirements.txt").write_bytes(content)

    with pytest.raises(ValueError, match=words):
        plan(tmp_path, {})
