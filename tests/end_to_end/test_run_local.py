"""run-local: what goes to stdout, what to stderr, and the exit codes."""

import re
import signal
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

Run = Callable[..., "subprocess.CompletedProcess[bytes]"]


@pytest.fixture
def run(command: Path, environ: dict[str, str], handlers: Path, tmp_path: Path) -> Run:
    """Runs `run-local` on the handler `local`: ``run("text of the request", "--quiet", ...)``."""

    def run_local(
        text: str | None, *arguments: object, folder: str = "local", **variables: str
    ) -> "subprocess.CompletedProcess[bytes]":
        given = list(map(str, arguments))
        if "--image-version" not in given and "-i" not in given:
            given += ["--image-version", "19.04"]
        if text is not None:
            (tmp_path / "request.txt").write_text(text)
            given += ["--input", str(tmp_path / "request.txt")]
        return subprocess.run(
            [command, "run-local", "--model-dir", handlers / folder, *given],
            env={**environ, "TMPDIR": str(tmp_path), **variables},
            capture_output=True,
            check=False,
            timeout=50,
        )

    return run_local


@pytest.mark.parametrize(
    ("text", "printed"),
    [
        ("json", b'{\n    "b": "\\u732b",\n    "a": [\n        1\n    ]\n}\n'),
        ("lines", b'{"a": 1}\n{"a": 2}'),
        ("bytes", b"\x00\xff\n"),
        ("empty", b""),
        ("large", b"l" * 1_000_000),
        ("stream", b"0\n1\n2"),
        ("anything", b"text/plain"),
    ],
)
def test_the_answer_alone_is_on_stdout(run: Run, text: str, printed: bytes) -> None:
    result = run(text, "--quiet")

    assert (result.stdout, result.stderr, result.returncode) == (printed, b"", 0)


def test_without_quiet_the_log_is_on_stderr(run: Run) -> None:
    result = run("json")

    assert result.stdout.startswith(b"{")
    for line in ("INFO: Loading user model handler with main:handler...", "] imported", "] got json"):
        assert line in result.stderr.decode()


@pytest.mark.parametrize("is_quiet", [True, False])
@pytest.mark.parametrize(
    ("text", "failure", "body", "log"),
    [
        ("refuse", "404 Client Error: Not Found", '{"message": "no cat"}', "got refuse"),
        ("raise", "500 Server Error: Internal Server Error", "unexpected error occurred", "ZeroDivisionError"),
        ("die", "502 Server Error: Bad Gateway", "the worker died", "ended with exit code 3"),
    ],
)
def test_an_error_answer_is_on_stderr_with_the_log(
    run: Run, text: str, failure: str, body: str, log: str, *, is_quiet: bool
) -> None:
    result = run(text, *(["-q"] if is_quiet else []))

    stderr = result.stderr.decode()
    assert (result.stdout, result.returncode) == (b"", 1)
    head, _, rest = stderr.partition(f"[error] failed to send request : {failure} for url: http://localhost:5000/\n")
    answer, _, shown_log = rest.partition("\n ------ Local Server Error ------ \n")
    assert body in answer
    assert log in shown_log
    assert (log not in head) == is_quiet


def test_variables_reach_the_handler(run: Run) -> None:
    assert run("environ", "-q", "-e", "GREETING:hello: you", "-o", "-org").stdout == b"hello: you-org"


def test_the_content_type_is_that_of_the_extension(run: Run, tmp_path: Path) -> None:
    for name, content_type in (("a.jpg", b"image/jpeg"), ("a.csv", b"text/csv"), ("a", b"application/octet-stream")):
        (tmp_path / name).write_bytes(b"")
        assert run(None, "-q", "--input", tmp_path / name).stdout == content_type


def test_repeated_inputs_are_a_form(run: Run, tmp_path: Path) -> None:
    (tmp_path / "cat.jpg").write_bytes(b"\xff" * 100_000)

    result = run(None, "-q", "--input", f"image=@{tmp_path}/cat.jpg", "--input", "label=a=b", folder="echo")

    printed = result.stdout.decode()
    assert '"content_type": "multipart/form-data; boundary=' in printed
    assert re.findall(r'"(?:form_name|file_name|text)": "?([a-z.=]*)', printed)[:1] == ["cat.jpg"]
    assert '"form_name": "image"' in printed
    assert '"size": 100000' in printed
    assert '"text": "a=b"' in printed


def test_the_vendors_command_line_is_accepted(command: Path, environ: dict[str, str], handlers: Path) -> None:
    arguments = ["model", "run-local", "-h", "main:handler", "-i", "abeja-inc/all-cpu:19.04", "-d", "x86_cpu"]
    result = subprocess.run(
        [command, *arguments, "--no-cache", "-q", "--input", "main.py"],
        env=environ,
        cwd=handlers / "local",
        capture_output=True,
        check=False,
    )

    assert (result.stdout, result.returncode) == (b"text/x-python", 0)


def test_a_deadline_holds_when_it_is_given(run: Run) -> None:
    assert run("slow", "-q").stdout == b"slept"
    late = run("slow", "-q", "--timeout", "0.1")
    assert late.returncode == 1
    assert b"504 Server Error: Gateway Timeout" in late.stderr


@pytest.mark.parametrize(
    ("arguments", "exit_code", "message", "hint"),
    [
        (["--image-version", "17.01"], 2, "image-unknown: no image version is known as '17.01'", "images"),
        (["--block-plugin", "abi-19.04"], 2, "abi-unknown: no plugin provides the handler ABI '19.04'", "abi-19.04"),
        (["-i", "all-cpu"], 2, "option-invalid: invalid image and tag format: 'all-cpu'", "abeja/all-cpu:19.04"),
        (["-h", "main"], 2, "expected <module>:<function>, found 'main'", "main:handler"),
        (["-h", "nope:handler"], 4, "handler-module-missing: there is no module 'nope'", "--model-dir"),
        (["-h", "renamed:handler"], 4, "handler-attribute-missing: the module 'renamed'", "`renamed:handle`"),
        (["-h", "renamed:not_callable"], 4, "handler-refused: handler ABI '19.04' does not accept", "images"),
        (["-h", "generator:handler"], 4, "handlers of image version 18.10 are (`--image-version 18.10`)", "images"),
        (["-h", "missing_import:handler"], 4, "handler-import-failed", "'a_module_that_is_not_there' is not installed"),
        (["-h", "raises:handler"], 4, "handler-import-failed: importing 'raises' failed: RuntimeError", "traceback"),
        (["-h", "syntax:handler"], 4, "handler-import-failed: importing 'syntax' failed: SyntaxError", "traceback"),
        (["-h", "exits:handler"], 4, "handler-import-failed: importing 'exits' ended the interpreter", "__main__"),
        (["-h", "aborts:handler"], 4, "worker-start-failed", "import aborts"),
        (["--python", "python0.9"], 2, "interpreter-missing", "--python"),
        (["--input", "nope.json"], 2, "input-invalid: the input nope.json cannot be read", "--input"),
    ],
)
def test_bad_input_is_one_paragraph_with_a_hint(
    run: Run, arguments: list[str], exit_code: int, message: str, hint: str
) -> None:
    result = run("x" if "--input" not in arguments else None, "-q", *arguments, folder="../broken")

    stderr = result.stderr.decode()
    paragraph = stderr[stderr.index("Error: ") :]
    assert (result.stdout, result.returncode) == (b"", exit_code)
    assert message in paragraph
    assert hint in paragraph.partition("Hint: ")[2]
    assert "\n\n" not in paragraph
    assert str(Path("abeja", "runtime", "worker")) not in stderr


def test_the_users_own_traceback_is_shown(run: Run) -> None:
    stderr = run("x", "-q", "-h", "raises:handler", folder="../broken").stderr.decode()

    assert stderr.startswith("Traceback (most recent call last):\n")
    assert 'raises.py", line 2, in configure' in stderr
    assert stderr.index("RuntimeError: no weights") < stderr.index("Error: handler-import-failed")


def test_what_a_dying_worker_printed_last_is_shown(run: Run) -> None:
    stderr = run("x", "-q", "-h", "aborts:handler", folder="../broken").stderr.decode()

    assert "was killed by SIGABRT before it was ready" in stderr
    assert "last words" in stderr


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_ends_it_at_once_and_nothing_is_left(
    command: Path, environ: dict[str, str], handlers: Path, tmp_path: Path, number: signal.Signals
) -> None:
    temporary = tmp_path / "temporary"
    temporary.mkdir()
    request = tmp_path / "request.json"
    request.write_text('"sleep"')
    folder = str(handlers / "misbehaving")
    with subprocess.Popen(
        [command, "run-local", "--image-version", "19.04", "--model-dir", folder, "--input", request],
        env={**environ, "TMPDIR": str(temporary)},
        stderr=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        text=True,
    ) as process:
        assert process.stderr is not None
        assert any("] busy" in line for line in iter(process.stderr.readline, ""))
        process.send_signal(number)
        rest = process.stderr.read()
        assert process.wait(20) == 128 + number
    assert "Traceback" not in rest
    assert list(temporary.iterdir()) == []


def test_missing_arguments_are_a_usage_error(run: Run) -> None:
    result = run(None)

    assert result.returncode == 2
    assert b"Missing option '--input'" in result.stderr
