"""The console on the management port: what it tells, what it forwards, and whom it refuses."""

import http.client
import json
import re
import struct
import urllib.parse
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from attrs import frozen

from tests.end_to_end.conftest import Reply, RunningServer, wait_until

HANDLER_FOLDER = "echo"
OWN = {"X-Abeja-Console": "1"}

Start = Callable[..., RunningServer]


@frozen
class Tried:
    """What the console's form would show."""

    head: dict[str, Any] | None
    body: bytes
    end: dict[str, Any]


def test_page_is_one_document_that_refers_to_nothing_else(shared: RunningServer) -> None:
    page = shared.request("GET", "/console", port=shared.health_port)

    assert page.status == 200
    assert page.headers["content-type"] == "text/html; charset=utf-8"
    text = page.body.decode()
    assert re.findall(r"<script[^>]+>", text) == []
    assert re.findall(r"""(?:src|href)=["'](?!#|/openapi|/metrics|/readyz|data:)""", text) == []
    assert re.findall(r"\son[a-z]+=", text) == []
    assert text.count("</script>") == text.count("<script>")


def test_page_runs_only_its_own_scripts_and_is_shown_in_no_frame(shared: RunningServer) -> None:
    headers = shared.request("GET", "/console", port=shared.health_port).headers

    policy = dict(part.strip().partition(" ")[::2] for part in headers["content-security-policy"].split(";"))
    assert policy["default-src"] == policy["base-uri"] == policy["form-action"] == policy["frame-ancestors"] == "'none'"
    assert policy["require-trusted-types-for"] == "'script'"
    assert policy["trusted-types"] == "'none'"
    assert all(re.fullmatch(r"'sha256-[\w+/=]{44}'", source) for source in policy["script-src"].split())
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["referrer-policy"] == "no-referrer"
    assert headers["cross-origin-resource-policy"] == "same-origin"


def test_facts_tell_what_is_served_and_conceal_secrets(start: Start, handlers: Path) -> None:
    variables = ("API_TOKEN:abc", "GREETING:hello", "INDEX:https://me:pw@example.org/simple", "OPAQUE:ghp_" + "a" * 36)
    given = [word for variable in variables for word in ("-e", variable)]
    server = start("--model-dir", handlers / "echo", *given, INHERITED="yes").wait_until_ready()

    facts = _facts(server)

    assert (facts["handler"], facts["image_version"], facts["abi"]["name"]) == ("main:handler", "19.04", "19.04")
    assert facts["folder"] == str(handlers / "echo")
    assert facts["port"] == server.port
    shown = {variable["name"]: variable for variable in facts["variables"]["given"]}
    assert shown["GREETING"] == {"name": "GREETING", "value": "hello", "is_hidden": False}
    assert shown["API_TOKEN"] == {"name": "API_TOKEN", "value": None, "is_hidden": True}
    assert shown["OPAQUE"]["value"] is None
    assert shown["INDEX"]["value"] == "https://***@example.org/simple"
    assert "INHERITED" in {variable["name"] for variable in facts["variables"]["inherited"]}
    assert "HOME" not in shown


def test_packages_are_those_that_the_handler_would_import(start: Start, handlers: Path, tmp_path: Path) -> None:
    for folder, version in (("first", "2.0"), ("second", "1.0")):
        metadata = tmp_path / folder / "shadowed_name-1.dist-info" / "METADATA"
        metadata.parent.mkdir(parents=True)
        metadata.write_text(f"Metadata-Version: 2.1\nName: Shadowed.Name\nVersion: {version}\n\nVersion: 9\n")
    (tmp_path / "second" / "old-3.egg-info").write_text("Name: old\nVersion: 3\n")
    (tmp_path / "second" / "broken-1.dist-info").mkdir()
    path = f"PYTHONPATH:{tmp_path / 'first'}:{tmp_path / 'second'}"

    server = start("--model-dir", handlers / "echo", "-e", path).wait_until_ready()

    packages = {package["name"]: package["version"] for package in _facts(server)["packages"]}
    assert packages["Shadowed.Name"] == "2.0"
    assert packages["old"] == "3"
    assert "pytest" in packages
    assert "broken" not in packages


def test_live_tells_the_workers_and_the_requests_from_a_number_on(shared: RunningServer) -> None:
    first = _live(shared)
    shared.request("PUT", "/a?secret=1", b"{}", headers={"X-Request-Id": "console-test"})
    second = _live(shared, requests=first["requests"]["next"])

    assert [worker["state"] for worker in first["workers"]] == ["idle"]
    (request,) = second["requests"]["items"]
    assert request["number"] == first["requests"]["next"]
    assert (request["request_id"], request["method"], request["path"]) == ("console-test", "PUT", "/a")
    assert (request["status"], request["error"], request["outcome"], request["worker"]) == (200, "", "complete", 1)
    assert 0 <= request["handler_ms"] <= request["ms"]
    assert second["requests"]["next"] == first["requests"]["next"] + 1


def test_live_tells_what_a_handler_prints_and_which_request_made_it(start: Start, handlers: Path) -> None:
    server = start("--model-dir", handlers / "misbehaving").wait_until_ready()
    first = _live(server)
    assert any(item["text"].startswith("ready: main:handler") for item in first["log"]["items"])

    request_id = server.do("print").headers["x-request-id"]

    def printed() -> list[Any] | None:
        items = _live(server, log=first["log"]["next"])["log"]["items"]
        lines = [item for item in items if item["request_id"] == request_id]
        return lines if len(lines) == 3 else None

    lines = wait_until(printed, "three lines")
    assert {line["text"] for line in lines} == {"to stdout", "to stderr", "raw"}
    assert {(line["worker"], line["level"]) for line in lines} == {(1, "info")}


def test_live_tells_no_secret_that_a_handler_prints_or_fails_with(start: Start, tmp_path: Path) -> None:
    folder = tmp_path / "model"
    folder.mkdir()
    main = folder / "main.py"
    main.write_text("import os\nprint(os.environ['API_TOKEN'])\n\n\ndef handler(request, context):\n    pass\n")
    server = start("--model-dir", folder, "--reload", "-e", "API_TOKEN:hunter2-hunter2").wait_until_ready()

    main.write_text("import os\nraise ValueError(os.environ['API_TOKEN'])\n")
    wait_until(lambda: _live(server)["last_failure"], "the failure")

    text = json.dumps(_live(server))
    assert "raise ValueError" in text
    assert "hunter2-hunter2" not in text, text[text.index("hunter2") - 300 :][:600]
    readiness = server.request("GET", "/readyz", port=server.health_port).body.decode()
    assert "ValueError: ***" in readiness
    assert "hunter2-hunter2" not in readiness


def test_live_of_a_number_that_this_server_never_gave_has_all(shared: RunningServer) -> None:
    assert _live(shared, log=10**9)["log"]["items"] == _live(shared)["log"]["items"]


def test_live_keeps_the_last_hundred_requests(shared: RunningServer) -> None:
    with shared.connect() as connection:
        for number in range(130):
            connection.sendall(b"GET /%d HTTP/1.1\r\nHost: a\r\n\r\n" % number)
            connection.recv(65536)

    requests = _live(shared)["requests"]
    assert [item["path"] for item in requests["items"]] == [f"/{number}" for number in range(30, 130)]
    assert [item["number"] for item in requests["items"]] == list(range(requests["next"] - 100, requests["next"]))


def test_trial_reaches_the_handler_as_it_was_asked(shared: RunningServer) -> None:
    tried = _try(
        shared,
        method="PUT",
        target="/a%20b/c?x=1&y=%C3%A9",
        body=b"\0\1binary",
        headers={"Content-Type": "application/X-Thing; Charset=UTF-8"},
        forwarded=[("X-Own", "välue"), ("X-Own", "two"), ("Accept", "image/png")],
    )

    assert tried.head is not None
    assert (tried.head["status"], tried.head["reason"]) == (200, "OK")
    seen = json.loads(tried.body)
    assert (seen["http_method"], seen["path"], seen["query"]) == ("PUT", "/a%20b/c", "x=1&y=%C3%A9")
    assert seen["content_type"] == "application/X-Thing; Charset=UTF-8"
    assert seen["contents"][0]["text"] == "\0\1binary"
    headers = {field["key"].lower(): field["values"] for field in seen["headers"]}
    assert headers["x-own"] == ["välue", "two"]
    assert headers["accept"] == ["image/png"]
    assert not {"x-abeja-console", "origin", "cookie", "referer"} & headers.keys()
    assert tried.end["trouble"] == ""
    assert 0 < tried.head["ms"] <= tried.end["ms"]


def test_trial_brings_back_the_headers_as_they_were_sent(shared: RunningServer) -> None:
    tried = _try(shared, body=b"{}")
    direct = shared.request(body=b"{}")

    assert tried.head is not None
    names = [name for name, _ in tried.head["headers"]]
    assert {"Content-Type", "X-Request-Id", "x-abeja-sys-meta-runtime-version", "Date"} <= set(names)
    assert dict(tried.head["headers"])["Content-Type"] == direct.headers["content-type"]


def test_trial_of_a_form_reaches_the_handler_part_by_part(shared: RunningServer) -> None:
    form = b'--x\r\nContent-Disposition: form-data; name="a"; filename="f.txt"\r\n\r\nhello\r\n--x--\r\n'
    tried = _try(shared, body=form, headers={"Content-Type": "multipart/form-data; boundary=x"})

    (part,) = json.loads(tried.body)["contents"]
    assert (part["form_name"], part["file_name"], part["text"]) == ("a", "f.txt", "hello")


def test_trial_of_a_large_body_is_passed_on_as_it_comes(shared: RunningServer) -> None:
    body = b"0123456789abcdef" * 200_000
    before = shared.memory_bytes()
    tried = _try(shared, body=body)

    assert json.loads(tried.body)["contents"][0]["size"] == len(body)
    assert shared.memory_bytes() - before < 16 * 1024**2


@pytest.mark.parametrize("method", ["GET", "HEAD"])
def test_trial_without_a_body_sends_none(shared: RunningServer, method: str) -> None:
    tried = _try(shared, method=method, body=b"ignored")

    assert tried.head is not None
    assert tried.head["status"] == 200
    assert tried.end["trouble"] == ""
    assert bool(tried.body) is (method == "GET")
    if method == "GET":
        assert json.loads(tried.body)["contents"][0]["size"] == 0


def test_trial_shows_what_the_server_itself_answers(start: Start, handlers: Path) -> None:
    server = start("--model-dir", handlers / "echo", "--max-body", "1K").wait_until_ready()

    tried = _try(server, body=b"x" * 3_000_000)

    assert tried.head is not None
    assert tried.head["status"] == 413
    assert json.loads(tried.body)["limit_bytes"] == 1024


def test_trial_says_that_an_answer_was_cut(start: Start, tmp_path: Path) -> None:
    folder = tmp_path / "model"
    folder.mkdir()
    (folder / "main.py").write_text(
        # Longer than the server waits for the length of a short answer.
        "import time\n\n\ndef pieces():\n    yield b'begin'\n    time.sleep(0.2)\n    raise ValueError\n\n\n"
        "def handler(request, context):\n    return {'content_type': 'text/plain', 'content': pieces()}\n"
    )
    server = start("--model-dir", folder).wait_until_ready()

    tried = _try(server, body=b"{}")

    assert tried.head is not None
    assert tried.head["status"] == 200
    assert tried.body == b"begin"
    assert "closed before the end" in tried.end["trouble"]


def test_trial_that_the_browser_does_not_wait_for_is_given_up(start: Start, handlers: Path) -> None:
    server = start("--model-dir", handlers / "misbehaving").wait_until_ready()
    headers = {**OWN, "Content-Type": "application/json"}
    connection = http.client.HTTPConnection("127.0.0.1", server.health_port, timeout=30)
    connection.request("POST", "/console/try", b'"nap"', headers)
    wait_until(lambda: _live(server)["workers"][0]["state"] == "busy" or None, "the worker to be busy")

    connection.close()

    wait_until(lambda: _live(server)["requests"]["items"], "the end of the request")
    assert server.stop() == 0
    assert "Traceback" not in server.log()
    assert "ERROR" not in server.log()


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"method": "post"}, "capital letters"),
        ({"method": "POST / HTTP/1.1\r\nX: y\r\n\r\nGET"}, "capital letters"),
        ({"target": "//evil example"}, "percent-encoded"),
        ({"target": "http://example.org/"}, "slash"),
        ({"target": "/ HTTP/1.1\r\nX: y"}, "percent-encoded"),
        ({"forwarded": [("X-A", "b\r\nTransfer-Encoding: chunked")]}, "line break"),
        ({"forwarded": [("X A", "b")]}, "not the name of a header"),
        ({"forwarded": [("Host", "example.org")]}, "set by the form"),
        ({"forwarded": [("Content-Length", "0")]}, "set by the form"),
        ({"forwarded": "nothing"}, "pairs of texts"),
    ],
)
def test_trial_that_is_no_request_is_refused(shared: RunningServer, change: dict[str, Any], reason: str) -> None:
    reply = _send_trial(shared, **{"body": b"{}", **change})

    assert reply.status == 400
    assert reason in reply.json()["status"]


def test_trial_in_chunks_is_refused(shared: RunningServer) -> None:
    pieces: Iterator[bytes] = iter([b"GET /smuggled HTTP/1.1\r\n\r\n"])
    headers = {**OWN, "Transfer-Encoding": "chunked"}
    reply = shared.request("POST", "/console/try", pieces, headers=headers, port=shared.health_port)

    assert reply.status == 400


FOREIGN = [
    {"Host": "rebound.example.org"},
    {"Host": "rebound.example.org:5001"},
    {"Host": "localhost.example.org"},
    {"Host": ""},
    {"Origin": "https://example.org"},
    {"Origin": "null"},
    {"Origin": "http://["},
    {"Origin": ""},
    {"Host": "[::1"},
    {"Origin": "http://127.0.0.1:1"},
    {"Sec-Fetch-Site": "cross-site"},
    {"Sec-Fetch-Site": "same-site"},
]


@pytest.mark.parametrize("headers", FOREIGN, ids=lambda headers: "-".join(map(str, *headers.items())))
@pytest.mark.parametrize(("method", "path"), [("POST", "try"), ("GET", "live"), ("GET", "facts")])
def test_requests_that_another_site_makes_a_browser_send_are_refused(
    shared: RunningServer, method: str, path: str, headers: dict[str, str]
) -> None:
    before = _live(shared)["requests"]["next"]
    reply = shared.request(method, f"/console/{path}", b"", headers={**OWN, **headers}, port=shared.health_port)

    assert reply.status == 403
    assert not [name for name in reply.headers if name.startswith("access-control-")]
    assert _live(shared)["requests"]["next"] == before  # nothing has reached the service


@pytest.mark.parametrize(("method", "path"), [("POST", "try"), ("GET", "live"), ("GET", "facts")])
def test_requests_without_the_header_of_the_page_are_refused(shared: RunningServer, method: str, path: str) -> None:
    assert shared.request(method, f"/console/{path}", port=shared.health_port).status == 403


def test_browser_that_asks_for_leave_to_send_the_header_gets_none(shared: RunningServer) -> None:
    asking = {"Origin": "https://example.org", "Access-Control-Request-Headers": "x-abeja-console"}
    reply = shared.request("OPTIONS", "/console/try", headers=asking, port=shared.health_port)

    assert reply.status == 405
    assert not [name for name in reply.headers if name.startswith("access-control-")]


def test_page_is_not_shown_to_a_host_that_is_not_ours(shared: RunningServer) -> None:
    reply = shared.request("GET", "/console", headers={"Host": "rebound.example.org"}, port=shared.health_port)

    assert reply.status == 403
    assert "--console-host" in reply.json()["status"]


def test_console_host_adds_a_name(start: Start, handlers: Path) -> None:
    server = start("--model-dir", handlers / "echo", "--console-host", "Models.example.org").wait_until_listening()
    headers = {**OWN, "Host": "models.example.org", "Origin": "https://models.example.org"}

    assert server.request("GET", "/console/live", headers=headers, port=server.health_port).status == 200


def test_no_console_leaves_no_page_and_keeps_the_rest(start: Start, handlers: Path) -> None:
    server = start("--model-dir", handlers / "echo", "--no-console").wait_until_ready()

    for method, path in (("GET", ""), ("GET", "/live"), ("GET", "/facts"), ("POST", "/try")):
        assert server.request(method, f"/console{path}", headers=OWN, port=server.health_port).status == 404
    assert server.request("GET", "/openapi.json", port=server.health_port).status == 200
    assert server.request("GET", "/livez", port=server.health_port).status == 200


def test_handler_that_fails_to_reload_is_told_with_the_line_of_its_author(start: Start, tmp_path: Path) -> None:
    folder = tmp_path / "model"
    folder.mkdir()
    main = folder / "main.py"
    main.write_text("def handler(request, context):\n    return {'content': 1}\n")
    server = start("--model-dir", folder, "--reload").wait_until_ready()
    assert _live(server)["last_failure"] is None

    main.write_text("import json\n\nraise LookupError('no such weights')\n")
    failure = wait_until(lambda: _live(server)["last_failure"], "the failure")
    assert f'File "{main}", line 3' in failure["traceback"]
    assert "raise LookupError('no such weights')" in failure["traceback"]
    assert "handler-import-failed" in failure["text"]
    assert _live(server)["trouble"] == ""

    main.write_text("def handler(request, context):\n    return {'content': 2}\n")
    wait_until(lambda: _live(server)["last_failure"] is None or None, "the repair")


def _ask(server: RunningServer, path: str) -> Any:
    reply = server.request("GET", path, headers=OWN, port=server.health_port)
    assert reply.status == 200, reply
    return reply.json()


def _facts(server: RunningServer) -> Any:
    return _ask(server, "/console/facts")


def _live(server: RunningServer, **numbers: int) -> Any:
    return _ask(server, f"/console/live?{urllib.parse.urlencode(numbers)}")


def _send_trial(
    server: RunningServer,
    *,
    body: bytes,
    method: str = "POST",
    target: str = "/",
    headers: dict[str, str] | None = None,
    forwarded: Any = None,
) -> Reply:
    query = urllib.parse.urlencode({"method": method, "target": target})
    own = {**OWN, **(headers or {})}
    if forwarded is not None:
        own["X-Abeja-Console-Headers"] = urllib.parse.quote(json.dumps(forwarded))
    connection = http.client.HTTPConnection("127.0.0.1", server.health_port, timeout=30)
    try:
        connection.request("POST", f"/console/try?{query}", body, own)
        response = connection.getresponse()
        return Reply(response.status, dict(response.getheaders()), response.read())
    finally:
        connection.close()


def _try(server: RunningServer, **request: Any) -> Tried:
    reply = _send_trial(server, **request)
    assert reply.status == 200, reply
    assert reply.headers["Content-Type"] == "application/octet-stream"
    assert "sandbox" in reply.headers["Content-Security-Policy"]
    head, body, at = None, b"", 0
    while True:
        kind, size = struct.unpack_from(">cI", reply.body, at)
        data = reply.body[at + 5 : at + 5 + size]
        at += 5 + size
        if kind == b"h":
            head = json.loads(data)
        elif kind == b"d":
            body += data
        else:
            assert at == len(reply.body)
            return Tried(head, body, json.loads(data))
