"""What a handler finds in its process: variables, current folder, module path."""

import json
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

# All that the vendor documents, but those that are options of ours or have a value of their own.
PASSED_ON = (
    *("ABEJA_API_URL", "ABEJA_ORGANIZATION_ID", "ABEJA_MODEL_ID", "ABEJA_MODEL_VERSION", "ABEJA_MODEL_VERSION_ID"),
    *("ABEJA_DEPLOYMENT_ID", "ABEJA_SERVICE_ID", "ABEJA_RUN_ID", "ABEJA_STORAGE_DIR_PATH", "SERVICE_TYPE"),
    *("ABEJA_PLATFORM_USER_ID", "ABEJA_PLATFORM_PERSONAL_ACCESS_TOKEN", "PLATFORM_AUTH_TOKEN", "STAGE", "INPUT"),
    *("OUTPUT", "TRAINING_JOB_ID", "TRAINING_JOB_IDS", "TRAINING_JOB_DEFINITION_NAME", "DATASETS"),
    *("TRAINING_JOB_DEFINITION_VERSION", "TRAINING_JOB_DATASETS", "TRAINING_JOB_DATASET_IDS"),
)
HANDLER = """
import os, sys

def handler(request, context):
    return {
        "content_type": "application/json",
        "content": {"environ": dict(os.environ), "cwd": os.getcwd(), "path": sys.path[0], "context": context},
    }
"""

Found = Callable[..., dict[str, object]]


@pytest.fixture
def found(command: Path, environ: dict[str, str], tmp_path: Path) -> Found:
    """What a handler in `folder` of the model finds: ``found("folder", "-e", "A:b", VARIABLE="value")``."""

    def run(folder: str, *arguments: str, **variables: str) -> dict[str, object]:
        handler_folder = tmp_path / folder
        handler_folder.mkdir(parents=True, exist_ok=True)
        (handler_folder / "main.py").write_text(HANDLER)
        request = tmp_path / "request.json"
        request.write_text("{}")
        options = ["--image-version", "19.04", "--model-dir", str(tmp_path), "--input", str(request), "--quiet"]
        done = subprocess.run(
            [command, "run-local", *options, *arguments],
            env={**environ, **variables},
            capture_output=True,
            check=False,
        )
        assert done.returncode == 0, done.stderr.decode()
        answer: dict[str, object] = json.loads(done.stdout)
        return answer

    return run


def variables_of(answer: dict[str, object]) -> dict[str, str]:
    environ = answer["environ"]
    assert isinstance(environ, dict)
    return environ


def test_documented_variables_reach_the_handler(found: Found) -> None:
    given = {name: f"value of {name}" for name in PASSED_ON}

    environ = variables_of(found(".", **given, CONTEXT='{"k": 1}'))

    assert {name: environ.get(name) for name in given} == given


def test_variables_have_the_values_that_are_documented(found: Found, tmp_path: Path) -> None:
    environ = variables_of(found(".", HOME="/home/somebody"))

    assert environ["HANDLER"] == "main:handler"
    assert environ["SERVICE_TYPE"] == "HTTP"
    assert environ["ABEJA_STORAGE_DIR_PATH"] == "/home/somebody/.abeja/.cache"
    assert environ["ABEJA_TRAINING_RESULT_DIR"] == str(tmp_path / "abejainc_training_result")
    assert environ["PYTHONUNBUFFERED"] == "x"


def test_flags_win_over_the_file_and_the_file_over_the_environment(found: Found, tmp_path: Path) -> None:
    (tmp_path / "abeja-runtime.toml").write_text('[model.env]\nA = "file"\nB = "file"\n')

    environ = variables_of(found(".", "-e", "A:flag", A="environment", B="environment", C="environment"))

    assert [environ[name] for name in "ABC"] == ["flag", "file", "environment"]


def test_context_is_that_of_the_environment(found: Found) -> None:
    assert found(".", "-e", 'CONTEXT:{"k": 1}')["context"] == {"k": 1}


def test_the_folder_with_the_mark_is_the_current_one_and_on_the_path(found: Found, tmp_path: Path) -> None:
    (tmp_path / "a" / "b" / ".abeja").mkdir(parents=True)

    answer = found("a/b")

    assert [answer["cwd"], answer["path"]] == [str(tmp_path / "a" / "b")] * 2
    assert variables_of(answer)["ABEJA_TRAINING_RESULT_DIR"] == str(tmp_path / "a" / "b" / "abejainc_training_result")
