"""A third party's distribution, installed by pip, used and uninstalled; packages come from the index."""

import ast
import base64
import http.client
import json
import os
import re
import shutil
import subprocess
import sys
import time
import venv
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import pytest
from attrs import frozen

import abeja.runtime
from abeja.runtime.options import rows
from compat import pythons

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]

REPOSITORY = Path(__file__).parents[1]
THIRD_PARTY = REPOSITORY / "compat" / "third_party"
NAME = "abeja-runtime-lambda"
# What a checkout may hold beside its files.
NOT_SOURCES = shutil.ignore_patterns(".*", "__pycache__", "build", "dist", "*.egg-info")
LISTENING = re.compile(r"INFO: listening on http://127\.0\.0\.1:(\d+)")
START_S = 30

FUNCTION = """
import base64
import datetime
import os
import sys

AT_IMPORT = {name: os.environ.get(name) for name in ("_HANDLER", "LAMBDA_TASK_ROOT", "AWS_REGION")}


def lambda_handler(event, context):
    path = event["rawPath"]
    if path == "/event":
        return {"event": event, "environ": AT_IMPORT, "python": "%d.%d" % sys.version_info[:2],
                "left": context.get_remaining_time_in_millis(), "id": context.aws_request_id}
    if path == "/echo":
        data = event.get("body", "")
        if event["isBase64Encoded"]:
            data = base64.b64decode(data)
            return {"statusCode": 200, "headers": {"Content-Type": "image/png"}, "isBase64Encoded": True,
                    "body": base64.b64encode(data[::-1]).decode()}
        return data[::-1]
    if path == "/cookies":
        return {"statusCode": 302, "headers": {"location": "/"}, "cookies": event["cookies"] + ["new=1; Path=/"]}
    if path == "/msgpack":
        return {"statusCode": 200, "headers": {"content-type": "application/msgpack"}, "body": {"a": [1, None]}}
    raise KeyError(path)
"""
# msgpack, JSON, and a stream of msgpack documents, by the path.
HANDLER = """
import datetime
import json

MOMENT = datetime.datetime(1970, 1, 1, 0, 0, 5, tzinfo=datetime.timezone.utc)
CONTENT = {"a": [1, 2.5, None, True], "text": "\\u00e9", "raw": b"\\x00\\xff", "when": MOMENT}


def handler(request, context):
    if request["path"] == "/json":
        return {"content_type": "application/json", "content": {"a": 1}}
    if request["path"] == "/stream":
        return {"content_type": "application/x-msgpack", "content": ({"n": number} for number in range(3))}
    return {"content_type": "application/msgpack", "content": CONTENT}
"""
# Of HANDLER's content: a map of four, its keys and values in their order.
PACKED = bytes.fromhex(
    "84 a161 94 01 cb4004000000000000 c0 c3 a474657874 a2c3a9 a3726177 c40200ff a47768656e d6ff00000005"
)
TOML = '[model]\nimage_version = "19.04"\n\n[image."19.04"]\nencoders = ["msgpack", "file", "json"]\n'


@frozen
class Reply:
    """One answer."""

    status: int
    headers: list[tuple[str, str]]
    body: bytes

    def values(self, name: str) -> list[str]:
        """All values of the header `name`."""
        return [value for key, value in self.headers if key.lower() == name.lower()]


Ask = Callable[..., Reply]


class Home:
    """A virtual environment that has abeja-runtime, and may have the third party's distribution.

    Args:
        folder: where to make it.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._python = folder / "bin" / "python"

    @property
    def _environ(self) -> dict[str, str]:
        """The environment without the variables that are options."""
        variables = {row.variable for row in rows().values()}
        own = {name: value for name, value in os.environ.items() if name not in variables}
        return {**own, "ABEJA_RUNTIME_LOG_FORMAT": "text"}

    def pip(self, *arguments: str | Path) -> None:
        """Run pip, which must succeed."""
        done = self._run(["-m", "pip", *arguments])
        assert done.returncode == 0, done.stdout + done.stderr

    def command(self, *arguments: str | Path) -> "subprocess.CompletedProcess[str]":
        """Run `abeja-runtime`."""
        return self._run(["-P", "-m", "abeja.runtime", *arguments])

    @contextmanager
    def serving(self, log: Path, *arguments: str | Path) -> Iterator[Ask]:
        """A server; gives what asks it."""
        command = [self._python, "-P", "-m", "abeja.runtime", "--port", "0", "--health-port", "0", *arguments]
        with log.open("wb") as stderr, subprocess.Popen(command, env=self._environ, stderr=stderr) as server:
            try:
                port = _port(server, log)
                yield lambda *request, **headers: _ask(port, *request, headers=headers)
            finally:
                server.terminate()
        assert server.returncode == 0, log.read_text()

    def _run(self, arguments: Sequence[str | Path]) -> "subprocess.CompletedProcess[str]":
        command = [self._python, *arguments]
        return subprocess.run(command, env=self._environ, capture_output=True, text=True, check=False)


def _port(server: "subprocess.Popen[bytes]", log: Path) -> int:
    give_up = time.monotonic() + START_S
    while server.poll() is None and time.monotonic() < give_up:
        listening = LISTENING.search(log.read_text())
        if listening is not None and "INFO: ready: " in log.read_text():
            return int(listening[1])
        time.sleep(0.02)
    raise AssertionError(f"the server is not ready:\n{log.read_text()}")


def _ask(port: int, method: str, target: str, body: bytes | None = None, *, headers: dict[str, str]) -> Reply:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
    try:
        connection.request(method, target, body, {name.replace("_", "-"): text for name, text in headers.items()})
        response = connection.getresponse()
        return Reply(response.status, response.getheaders(), response.read())
    finally:
        connection.close()


@pytest.fixture(scope="module")
def wheels(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the wheels of both distributions, built from clean copies."""
    folder = tmp_path_factory.mktemp("wheels")
    for sources in (REPOSITORY, THIRD_PARTY):
        copy = shutil.copytree(sources, tmp_path_factory.mktemp("sources") / "copy", ignore=NOT_SOURCES)
        command = [sys.executable, "-m", "pip", "wheel", "--no-deps", "--wheel-dir", str(folder), str(copy)]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stdout + done.stderr
    return folder


@pytest.fixture(scope="module")
def home(wheels: Path, tmp_path_factory: pytest.TempPathFactory) -> Home:
    """An environment that pip has given both distributions, and nothing else."""
    home = Home(tmp_path_factory.mktemp("home") / "venv")
    venv.create(home.folder, with_pip=True, symlinks=True)
    home.pip("install", "--quiet", *wheels.glob("*.whl"))
    return home


@pytest.fixture
def bereft(home: Home, wheels: Path) -> Iterator[Home]:
    """The environment while the third party's distribution is uninstalled."""
    home.pip("uninstall", "--yes", NAME)
    yield home
    home.pip("install", "--quiet", "--no-deps", "--no-index", *wheels.glob("abeja_runtime_lambda-*.whl"))


@pytest.fixture
def model(tmp_path: Path) -> Path:
    """A folder with a Lambda function and a handler of ABI 19.04."""
    folder = tmp_path / "my-function"
    folder.mkdir()
    (folder / "lambda_function.py").write_text(FUNCTION)
    (folder / "main.py").write_text(HANDLER)
    return folder


@pytest.fixture(params=["3.6", "3.13"])
def python(request: pytest.FixtureRequest) -> str:
    """A version of Python that is on this machine."""
    version: str = request.param
    pythons.require(version)
    return version


@pytest.fixture
def function(home: Home, model: Path, tmp_path: Path, python: str) -> Iterator[Ask]:
    """A served Lambda function, asked over HTTP."""
    options = ("--image-version", f"lambda-{python}", "--python", python, "--env", "inherit", "--timeout", "20")
    with home.serving(tmp_path / "log", *options, "--model-dir", model) as ask:
        yield ask


def test_it_imports_only_the_public_names() -> None:
    imported = [
        f"{node.module}.{alias.name}"
        for path in THIRD_PARTY.glob("src/**/*.py")
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.ImportFrom) and str(node.module).startswith("abeja.")
        for alias in node.names
    ]

    assert imported
    assert set(imported) <= {f"abeja.runtime.{name}" for name in abeja.runtime.__all__}


def test_a_lambda_function_is_served_unchanged(function: Ask, model: Path, python: str) -> None:
    reply = function("GET", "/event?a=1&a=2&b=%20", Cookie="x=1; y=2", Authorization="Bearer z", X_Request_Id="id-5")

    answer = json.loads(reply.body)
    event = answer["event"]
    assert (reply.status, reply.values("content-type")) == (200, ["application/json"])
    assert (answer["python"], answer["id"]) == (python, "id-5")
    assert 15_000 < answer["left"] <= 20_000
    assert answer["environ"] == {
        "_HANDLER": "lambda_function.lambda_handler",
        "LAMBDA_TASK_ROOT": str(model),
        "AWS_REGION": os.environ.get("AWS_REGION", "us-east-1"),
    }
    assert (event["version"], event["rawPath"], event["rawQueryString"]) == ("2.0", "/event", "a=1&a=2&b=%20")
    assert event["queryStringParameters"] == {"a": "1,2", "b": " "}
    assert event["cookies"] == ["x=1", "y=2"]
    assert event["headers"]["authorization"] == "Bearer z"
    assert event["headers"]["host"].startswith("127.0.0.1:")
    assert "cookie" not in event["headers"]
    assert "body" not in event
    assert event["requestContext"]["http"]["method"] == "GET"
    assert event["requestContext"]["http"]["sourceIp"] == "127.0.0.1"
    assert event["requestContext"]["requestId"] == "id-5"


def test_bodies_are_text_or_base64_by_their_type(function: Ask) -> None:
    text = function("POST", "/echo", "né".encode(), Content_Type="text/plain; charset=utf-8")
    binary = function("PUT", "/echo", b"\x89\xff\x00", Content_Type="image/png")
    large = function("POST", "/echo", b"\x00" * 300_000 + b"\x01", Content_Type="application/octet-stream")
    form = json.loads(function("POST", "/event", b"a=b", Content_Type="application/x-www-form-urlencoded").body)

    assert text.body == "én".encode()
    assert (binary.body, binary.values("content-type")) == (b"\x00\xff\x89", ["image/png"])
    assert large.body == b"\x01" + b"\x00" * 300_000
    assert base64.b64decode(form["event"]["body"]) == b"a=b"


def test_cookies_status_and_headers_are_sent(function: Ask) -> None:
    reply = function("GET", "/cookies", Cookie="x=1")

    assert (reply.status, reply.values("location"), reply.body) == (302, ["/"], b"")
    assert reply.values("set-cookie") == ["x=1", "new=1; Path=/"]


def test_other_methods_errors_and_msgpack(function: Ask) -> None:
    assert json.loads(function("OPTIONS", "/event").body)["event"]["requestContext"]["http"]["method"] == "OPTIONS"
    assert function("GET", "/unknown").status == 500
    assert function("GET", "/msgpack").body == bytes.fromhex("81 a161 92 01 c0")


@pytest.mark.parametrize("is_in_file", [False, True], ids=["image version", "configuration file"])
def test_an_answer_of_a_msgpack_type_is_msgpack(
    home: Home, model: Path, tmp_path: Path, python: str, *, is_in_file: bool
) -> None:
    (model / "abeja-runtime.toml").write_text(TOML if is_in_file else "")
    options = () if is_in_file else ("--image-version", "19.04-msgpack")
    options = (*options, "--python", python, "--env", "inherit", "--model-dir", str(model))

    with home.serving(tmp_path / "log", *options) as ask:
        packed, text, stream = ask("POST", "/"), ask("POST", "/json"), ask("POST", "/stream")

    assert (packed.status, packed.values("content-type")) == (200, ["application/msgpack"])
    assert packed.body == PACKED
    assert text.body == b'{"a": 1}'
    assert stream.body == bytes.fromhex("81 a16e 00 81 a16e 01 81 a16e 02")


def test_pyproject_chooses_the_python(home: Home, model: Path, tmp_path: Path, python: str) -> None:
    minor = int(python.partition(".")[2])
    range_ = f">=3.{minor},<3.{minor + 1}"
    (model / "pyproject.toml").write_text(f'[project]\nname = "x"\nrequires-python = "{range_}"\n')
    options = ("--image-version", "lambda-3.8", "--env", "auto", "--model-dir", model)

    with home.serving(tmp_path / "log", *options) as ask:
        assert json.loads(ask("GET", "/event").body)["python"] == python


def test_pyproject_says_what_is_installed(
    home: Home, model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    (model / "pyproject.toml").write_text('[project]\nname = "x"\ndependencies = ["six==1.16.0"]\n')
    (model / "lambda_function.py").write_text(
        "import six\n\ndef lambda_handler(event, context):\n    return six.__version__\n"
    )
    (tmp_path / "input.json").write_text("{}")

    done = home.command(
        *("run-local", "--image-version", "lambda-3.13", "--env", "auto", "--quiet"),
        *("--input", tmp_path / "input.json", "--model-dir", model),
    )

    assert (done.returncode, done.stdout.strip()) == (0, "1.16.0"), done.stderr


def test_the_example_of_its_readme_works(home: Home, tmp_path: Path) -> None:
    readme = (THIRD_PARTY / "README.md").read_text()
    example = re.search(r"`lambda_function.py`:\n\n```python\n(.*?)```", readme, re.DOTALL)
    session = re.search(r"\$ abeja-runtime (.+)\n\$ curl 'localhost:5000(.+)'\n(.+)\n", readme)
    assert example
    assert session
    (tmp_path / "lambda_function.py").write_text(example[1])

    with home.serving(tmp_path / "log", *session[1].split(), "--env", "inherit", "--model-dir", tmp_path) as ask:
        assert ask("GET", session[2]).body.decode() == session[3]


def test_init_writes_a_function_that_answers(home: Home, tmp_path: Path) -> None:
    done = home.command("init", tmp_path / "hello", "--image-version", "lambda-3.13")
    assert done.returncode == 0, done.stderr

    model = tmp_path / "hello"
    assert (model / "abeja-runtime.toml").read_text() == '[model]\nimage_version = "lambda-3.13"\n'
    with home.serving(tmp_path / "log", "--env", "inherit", "--model-dir", model) as ask:
        reply = ask("POST", "/", (model / "request.json").read_bytes(), Content_Type="application/json")
    assert (reply.status, json.loads(reply.body)) == (200, {"greeting": "Hello, Ada!"})


def test_a_training_result_may_be_a_cpio_archive(home: Home, model: Path, tmp_path: Path) -> None:
    (tmp_path / "result.cpio").write_bytes(_cpio("model.txt", b"weights") + _cpio("TRAILER!!!", b""))
    (model / "lambda_function.py").write_text(
        "import os\n\ndef lambda_handler(event, context):\n"
        "    with open(os.path.join(os.environ['ABEJA_TRAINING_RESULT_DIR'], 'model.txt')) as file:\n"
        "        return file.read()\n"
    )
    (tmp_path / "input.json").write_text("{}")

    done = home.command(
        *("run-local", "--image-version", "lambda-3.13", "--handler", "lambda_function:lambda_handler", "--quiet"),
        *("--training-result", tmp_path / "result.cpio", "--input", tmp_path / "input.json", "--env", "inherit"),
        *("--model-dir", model),
    )

    assert (done.returncode, done.stdout.strip()) == (0, "weights"), done.stderr


def _cpio(name: str, data: bytes) -> bytes:
    numbers = [0, 0o100644, 1, 0, 0, 0, len(data), 0, 0, 0, 0, len(name) + 1, 0]
    head = b"070701" + b"".join(b"%08x" % number for number in numbers) + name.encode() + b"\0"
    return b"".join(part + b"\0" * (-len(part) % 4) for part in (head, data))


def test_without_it_an_image_version_is_unknown(bereft: Home, model: Path) -> None:
    done = bereft.command("--image-version", "lambda-3.13", "--model-dir", model)

    assert done.returncode == 2
    assert "image-unknown: no image version is known as 'lambda-3.13'.\nKnown: 18.10, 19.04" in done.stderr
    assert "others come from plugins, which `abeja-runtime plugins` lists" in done.stderr


@pytest.mark.parametrize(
    ("file", "message"),
    [
        (TOML, "encoder-unknown: no plugin provides the encoder 'msgpack' (asked for by "),
        (
            '[model]\nimage_version = "m"\n[image.m]\nbase = "19.04"\nabi = "lambda-2.0"\n',
            "abi-unknown: no plugin provides the handler ABI 'lambda-2.0' (asked for by ",
        ),
        (
            '[model]\nimage_version = "m"\n[image.m]\nbase = "lambda-3.13"\n',
            "image-invalid: {file}: the image 'm' is based on 'lambda-3.13', which is not known.\nKnown: 18.10",
        ),
    ],
    ids=["encoder", "ABI", "base"],
)
def test_without_it_the_error_says_who_asked_for_what(bereft: Home, model: Path, file: str, message: str) -> None:
    path = model / "abeja-runtime.toml"
    path.write_text(file)

    done = bereft.command("--model-dir", model)

    assert done.returncode == 2
    assert message.format(file=path) in done.stderr
    assert str(path) in done.stderr


def test_what_is_blocked_is_named(home: Home, model: Path) -> None:
    done = home.command("--image-version", "lambda-3.13", "--model-dir", model, "--block-plugin", "image-lambda")

    assert done.returncode == 2
    assert f"Not in service: image-lambda ({NAME} 1.0.0) is blocked." in done.stderr
