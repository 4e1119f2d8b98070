"""The worker half on other Pythons than the server's."""

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.end_to_end.conftest import RunningServer

VERSIONS = ("3.6", "3.7", "3.8", "3.9", "3.10", "3.11", "3.12", "3.13")


@pytest.fixture(params=VERSIONS)
def python(request: pytest.FixtureRequest, python_of: Callable[[str], Path]) -> Path:
    """An interpreter of each version that a handler may have been written for."""
    return python_of(request.param)


def test_requests_answers_and_faults_are_the_same(
    start: Callable[..., RunningServer], handlers: Path, python: Path
) -> None:
    def serve(folder: str, handler: str = "main:handler") -> RunningServer:
        return start("--model-dir", handlers / folder, "-h", handler, "--python", python).wait_until_ready()

    echo, answers, faults = serve("echo"), serve("answers"), serve("misbehaving")

    form = b'--XX\r\nContent-Disposition: form-data; name="a"; filename="b.txt"\r\n\r\ncontent\r\n--XX--'
    (part,) = echo.request(body=form, headers={"Content-Type": "multipart/form-data; boundary=XX"}).json()["contents"]
    assert (part["form_name"], part["file_name"], part["text"]) == ("a", "b.txt", "content")
    assert echo.request(body=b"x" * 200_000).json()["contents"][0]["size"] == 200_000
    assert answers.request("GET", "/large").body == b"z" * 5_000_000
    assert answers.request("GET", "/slow-stream").body == b"0\n1\n2"
    assert answers.request("GET", "/failing-stream").status == 500
    assert [faults.do(deed).status for deed in ("print", "close", "sys.exit", "own", "kill", "nothing")] == [
        200,
        200,
        500,
        500,
        502,
        200,
    ]


def test_coroutines_run_on_one_loop(start: Callable[..., RunningServer], handlers: Path, python: Path) -> None:
    folder = handlers / "asynchronous"
    server = start("--model-dir", folder, "--python", python).wait_until_ready()
    streaming = start("--model-dir", folder, "-h", "main:streaming", "--python", python).wait_until_ready()

    assert [server.request().json() for _ in range(2)] == [{"loops": 1}] * 2
    assert streaming.request().body == b'{"number": 0}\n{"number": 1}\n{"number": 2}'


def test_generators_answer(start: Callable[..., RunningServer], repository: Path, python: Path) -> None:
    def serve(folder: str, handler: str = "main:handler") -> RunningServer:
        path = repository / "tests/handlers/18.10" / folder
        return start("--image-version", "18.10", "--model-dir", path, "-h", handler, "--python", python)

    plain, asynchronous = serve("plain"), serve("shapes", "main:asynchronous")
    headers = {"Content-Type": "application/json"}

    plain.wait_until_ready()
    assert plain.request(body=b'{"a": 1}', headers=headers).body == b'{"value": {"a": 1}}\n"text"\n[1, 2]'
    assert plain.request(body=b"{", headers=headers).status == 400
    assert plain.request(body=b"{}", headers={"Content-Type": "text/plain"}).status == 415
    picture = plain.request(body=b"\x89PNG\r\n\x1a\n", headers={"Content-Type": "image/png"})
    # Neither numpy nor Pillow need be there; if they are, the picture is cut off.
    assert picture.status in (400, 500)
    asynchronous.wait_until_ready()
    assert asynchronous.request(body=b"2", headers=headers).body == b'{"got": 2}'
