"""`HandlerClient`: in this process and in a worker, and the service itself, give the same."""

import asyncio
import os
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from abeja.runtime.errors import HandlerLoadError, OptionInvalidError
from abeja.runtime.testing import Answer, HandlerClient
from abeja.runtime.testing.handler_path.abeja_handler_testing.call import Call

pytestmark = pytest.mark.filterwarnings("error")


@pytest.fixture(scope="module")
def handlers(repository: Path) -> Path:
    return repository / "tests" / "handlers" / "19.04"


@pytest.fixture(scope="module", params=[False, True], ids=["in process", "worker"])
def echo(request: pytest.FixtureRequest, handlers: Path) -> Iterator[HandlerClient]:
    with HandlerClient(model_dir=handlers / "echo", image_version="19.04", worker=request.param) as client:
        yield client


def content(answer: Answer) -> Any:
    (only,) = answer.json()["contents"]
    return only


def test_json_is_sent_with_its_type_and_length(echo: HandlerClient) -> None:
    answer = echo.post("/predict", json={"rooms": 3})

    asked = answer.json()
    assert (answer.status, answer.content_type) == (200, "application/json")
    assert (asked["http_method"], asked["path"], asked["content_type"]) == ("POST", "/predict", "application/json")
    assert content(answer)["text"] == '{"rooms": 3}'
    assert {"key": "content-length", "values": ["12"]} in asked["headers"]


@pytest.mark.parametrize("size", [0, 3, 64 * 1024, 64 * 1024 + 1, 3_000_000])
def test_bytes_of_any_size_arrive_and_come_back(echo: HandlerClient, size: int) -> None:
    assert content(echo.put(body=b"z" * size))["size"] == size


def test_a_file_is_sent_with_the_type_of_its_extension(echo: HandlerClient, repository: Path) -> None:
    answer = echo.post(file=repository / "examples/flip/cat.jpg")

    assert answer.json()["content_type"] == "image/jpeg"
    assert content(answer)["size"] == (repository / "examples/flip/cat.jpg").stat().st_size


def test_a_form_arrives_in_parts(echo: HandlerClient, repository: Path) -> None:
    form = {
        "label": "cät",
        "note": repository / "examples/multipart/note.txt",
        "made": ("a.bin", b"\0" * 100_000, "application/x-own"),
    }

    answer = echo.post(form=form)

    fields = ("form_name", "file_name", "content_type", "size")
    assert [tuple(part[field] for field in fields) for part in answer.json()["contents"]] == [
        ("label", None, None, 4),
        ("note", "note.txt", "text/plain", 14),
        ("made", "a.bin", "application/x-own", 100_000),
    ]
    assert answer.json()["content_type"].startswith("multipart/form-data; boundary=")


def test_the_query_may_stand_in_the_path_or_apart(echo: HandlerClient) -> None:
    assert echo.post("/a?x=1", query={"y": "é", "z": [1, 2]}).json()["query"] == "x=1&y=%C3%A9&z=1&z=2"
    assert content(echo.get(query="a=1&b"))["text"] == "a=1&b"
    assert echo.post("/名前 x").json()["path"] == "/%E5%90%8D%E5%89%8D%20x"


def test_headers_are_seen_as_from_the_service(echo: HandlerClient) -> None:
    headers = {"Authorization": "secret", "Host": "x", "X-B": ["1", "2"], "X-A": "é", "Content-Type": "text/x-own"}

    asked = echo.post(body="text", headers=headers).json()

    assert asked["content_type"] == "text/x-own"
    assert asked["headers"] == [
        {"key": "content-length", "values": ["4"]},
        {"key": "content-type", "values": ["text/x-own"]},
        {"key": "x-a", "values": ["é"]},
        {"key": "x-b", "values": ["1", "2"]},
    ]


def test_head_is_a_get_without_body_and_what_the_abi_does_not_have_is_405(echo: HandlerClient) -> None:
    head, options = echo.request("head"), echo.request("OPTIONS")

    assert (head.status, head.body, head.content_type) == (200, b"", "application/json")
    assert (options.status, options.headers["allow"]) == (405, "DELETE, GET, HEAD, PATCH, POST, PUT")
    assert options.json()["status"] == "the method is not allowed"


def test_two_bodies_are_refused() -> None:
    with pytest.raises(TypeError, match="a request has one body, but body and json are given"):
        Call("POST", json={}, body=b"")


@pytest.mark.parametrize(
    "path", ["/stream", "/large-stream", "/large", "/framing", "/teapot", "/unicode", "/several", "/no-content"]
)
def test_both_ways_give_the_same_answer(handlers: Path, path: str) -> None:
    answers = []
    for worker in (False, True):
        with HandlerClient(model_dir=handlers / "answers", image_version="19.04", worker=worker) as client:
            answers.append(client.post(path))

    here, there = answers
    assert (here.status, here.body) == (there.status, there.body)
    assert [name for name, _ in here.headers.all] == [name for name, _ in there.headers.all]
    different = {name for name in here.headers if here.headers[name] != there.headers[name]}
    assert different <= {"x-request-id"}


@pytest.mark.parametrize(
    "path", ["/status", "/informational", "/header-name", "/header-value", "/content-type", "/failing-stream"]
)
def test_what_the_service_answers_500_is_raised_here_unless_told_otherwise(handlers: Path, path: str) -> None:
    options: Any = {"model_dir": handlers / "answers", "image_version": "19.04"}

    with HandlerClient(**options) as client, pytest.raises(ValueError, match=r"cannot be sent|too late"):
        client.post(path)
    with HandlerClient(**options, raise_errors=False) as here, HandlerClient(**options, worker=True) as there:
        answers = [here.post(path), there.post(path)]
    assert [answer.status for answer in answers] == [500, 500]
    assert [answer.json()["status"] for answer in answers] == ["unexpected error occurred"] * 2


@pytest.fixture
def model(tmp_path: Path) -> Path:
    """A model that says where it is, and raises on request."""
    (tmp_path / "greeting.py").write_text("WORD = 'hello'\n")
    (tmp_path / "main.py").write_text(
        "import json\nimport os\nimport sys\n\n\nLOADED_IN = os.getcwd()\n\n\n"
        "def handler(request, context):\n"
        "    import greeting\n\n"
        "    body = request.read()\n"
        "    if body == b'raise':\n        raise KeyError('boom')\n"
        "    if body == b'exit':\n        sys.exit(3)\n"
        "    return {'content_type': 'application/json', 'content': {\n"
        "        'folders': [LOADED_IN, os.getcwd()], 'word': greeting.WORD, 'path': sys.path[0],\n"
        "        'variable': os.environ.get('OWN'), 'result': os.environ['ABEJA_TRAINING_RESULT_DIR']}}\n"
    )
    return tmp_path


def test_the_handler_is_in_its_own_folder_with_its_own_variables(model: Path) -> None:
    before = (Path.cwd(), list(sys.path), dict(os.environ))
    with HandlerClient(model_dir=model, image_version="19.04", environment={"OWN": "value"}) as client:
        answer = client.post().json()
        between = (Path.cwd(), list(sys.path), dict(os.environ))

    assert answer == {
        "folders": [str(model)] * 2,
        "word": "hello",
        "path": str(model),
        "variable": "value",
        "result": str(model / "abejainc_training_result"),
    }
    assert before == between == (Path.cwd(), list(sys.path), dict(os.environ))


def test_a_test_may_set_variables_and_replace_what_the_module_has(model: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with HandlerClient(model_dir=model, image_version="19.04", environment={"OWN": "value"}) as client:
        monkeypatch.setenv("OWN", "the test's")
        monkeypatch.setattr(sys.modules["main"], "LOADED_IN", "elsewhere")

        answer = client.post().json()

    assert (answer["variable"], answer["folders"][0]) == ("the test's", "elsewhere")


def test_what_the_handler_raises_is_raised_in_the_test_with_the_line(model: Path) -> None:
    with HandlerClient(model_dir=model, image_version="19.04") as client:
        with pytest.raises(KeyError, match="boom") as caught:
            client.post(body="raise")
        with pytest.raises(SystemExit):
            client.post(body="exit")
        assert client.post().status == 200

    assert caught.traceback[-1].path == model / "main.py"
    assert Path.cwd() != model


def test_without_raising_the_answer_is_500_and_the_traceback_is_on_stderr(
    model: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with HandlerClient(model_dir=model, image_version="19.04", raise_errors=False) as client:
        assert [client.post(body=deed).status for deed in ("raise", "exit", "")] == [500, 500, 200]

    assert "KeyError: 'boom'" in capsys.readouterr().err


def test_a_worker_that_fails_answers_500_and_the_traceback_is_in_the_log(
    model: Path, caplog: pytest.LogCaptureFixture
) -> None:
    with HandlerClient(model_dir=model, image_version="19.04", worker=True) as client:
        assert [client.post(body=deed).status for deed in ("raise", "exit", "")] == [500, 500, 200]

    assert "KeyError: 'boom'" in caplog.text


def test_two_models_with_modules_of_the_same_names_follow_one_another(model: Path, handlers: Path) -> None:
    for _ in range(2):
        with HandlerClient(model_dir=model, image_version="19.04") as client:
            assert client.post().json()["word"] == "hello"
            with pytest.raises(RuntimeError, match="a module 'main' has been imported from"):
                HandlerClient(model_dir=handlers / "echo", image_version="19.04")
        with HandlerClient(model_dir=handlers / "echo", image_version="19.04") as client:
            assert client.post().json()["path"] == "/"
    assert "main" not in sys.modules
    assert "greeting" not in sys.modules


def test_coroutines_are_awaited_and_their_loop_is_closed(handlers: Path) -> None:
    for worker in (False, True):
        with HandlerClient(model_dir=handlers / "asynchronous", image_version="19.04", worker=worker) as client:
            assert [client.post().json() for _ in range(2)] == [{"loops": 1}] * 2


def test_a_handler_that_does_not_load_says_why(repository: Path) -> None:
    options: Any = {"model_dir": repository / "tests/handlers/broken", "image_version": "19.04"}

    with pytest.raises(RuntimeError, match=r"handler-attribute-missing.+\nHint: ") as caught:
        HandlerClient("renamed:handler", **options)
    assert "renamed" not in sys.modules, caught
    with pytest.raises(RuntimeError, match="handler-import-failed") as caught:
        HandlerClient("raises:handler", **options)
    assert caught.value.__cause__ is not None
    with pytest.raises(HandlerLoadError, match="'renamed'"):
        HandlerClient("renamed:handler", **options, worker=True)


@pytest.mark.parametrize("worker", [False, True], ids=["in process", "worker"])
def test_a_closed_client_says_that_it_is(handlers: Path, worker: bool) -> None:  # noqa: FBT001 (a parameter of pytest)
    client = HandlerClient(model_dir=handlers / "echo", image_version="19.04", worker=worker)
    client.close()
    client.close()

    with pytest.raises(RuntimeError, match="the client is closed"):
        client.get()


def test_a_worker_inside_a_running_loop_says_what_to_do(handlers: Path) -> None:
    async def make() -> None:
        HandlerClient(model_dir=handlers / "echo", image_version="19.04", worker=True)

    with pytest.raises(RuntimeError, match=r"inside a running event loop: .*asyncio\.to_thread"):
        asyncio.run(make())


def test_options_are_those_of_the_command_line(model: Path) -> None:
    with pytest.raises(TypeError, match=r"no option 'image_vresion'; did you mean 'image_version'\?"):
        HandlerClient(model_dir=model, image_vresion="19.04")
    with pytest.raises(OptionInvalidError, match="--timeout"):
        HandlerClient(model_dir=model, image_version="19.04", timeout=-1)
    (model / "abeja-runtime.toml").write_text('[model]\nimage_version = "19.04"\n')
    with HandlerClient(model_dir=model) as client:
        assert client.post().status == 200


def test_a_worker_that_takes_too_long_answers_504_and_is_replaced(handlers: Path) -> None:
    options: Any = {"model_dir": handlers / "misbehaving", "image_version": "19.04", "worker": True, "timeout": 0.5}
    with HandlerClient(**options) as client:
        assert client.post(json="sleep").status == 504
        assert client.post(json="nothing").status == 200


def test_answers_parse_themselves() -> None:
    answer = Answer(200, [("Content-Type", 'text/plain; charset="latin-1"'), ("X-A", "1"), ("x-a", "2")], b"\xe9")

    assert (answer.text, answer.headers["X-a"], len(answer.headers)) == ("é", "1, 2", 2)
    assert repr(answer) == "<Answer 200 text/plain; charset=\"latin-1\": b'\\xe9'>"
    with pytest.raises(ValueError, match="is not JSON"):
        answer.json()
    with pytest.raises(KeyError):
        answer.headers["x-b"]
