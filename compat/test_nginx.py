"""The configuration of docs/how-to/run-behind-nginx.md, by a real nginx on loopback in front of a real server."""

import contextlib
import http.client
import re
import shutil
import signal
import socket
import ssl
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from attrs import frozen

from abeja.runtime.options import Options
from compat.process import TIMEOUT_S, running
from compat.server import serving

PAGE = Path(__file__).parent.parent / "docs" / "how-to" / "run-behind-nginx.md"
FENCE = re.compile(r"^```nginx\n(.*?)^```$", re.MULTILINE | re.DOTALL)
# Small, so that the tests need not send half a gigabyte; the rest of the configuration is the page's.
LIMIT_BYTES = 1024 * 1024
REQUESTS = 20
# nginx as the tests' user in a folder of its own, instead of as a daemon of the machine.
AROUND = """
daemon off;
pid {folder}/nginx.pid;
error_log {folder}/error.log;
worker_processes 1;
events {{ worker_connections 64; }}
http {{
    client_body_temp_path {folder}/body;
    proxy_temp_path {folder}/proxy;
    fastcgi_temp_path {folder}/fastcgi;
    uwsgi_temp_path {folder}/uwsgi;
    scgi_temp_path {folder}/scgi;
    {text}
}}
"""
HANDLER = """
import json
import time


def handler(request, context):
    if request["path"] == "/stream":
        return {"content": pieces()}
    if request["path"] == "/refuse":
        return {"status_code": 502, "content": "the handler's own 502"}
    body = request.read()
    headers = {name: request["http_headers"][name] for name in ("host", "x-forwarded-for", "x-forwarded-proto")}
    return {"content": json.dumps({"size": len(body), "headers": headers})}


def pieces():
    yield "first"
    # Until the client has seen it, at the latest.
    for _ in range(1000):
        time.sleep(0.01)
        yield "more"
"""


@frozen
class Proxy:
    """A proxy in front of a server.

    Attributes:
        port: of nginx.
        upstream: of the server.
        folder: with its logs.
    """

    port: int
    upstream: int
    folder: Path

    def connect(self) -> http.client.HTTPSConnection:
        """A connection of a client."""
        context = ssl.create_default_context(cafile=self.folder / "tax.pem")
        return http.client.HTTPSConnection("localhost", self.port, timeout=TIMEOUT_S, context=context)

    def ask(
        self, method: str = "POST", path: str = "/", *, body: bytes | None = b"", headers: dict[str, str] | None = None
    ) -> tuple[http.client.HTTPResponse, bytes]:
        """One request on a connection of its own."""
        connection = self.connect()
        try:
            connection.request(method, path, body=body, headers=headers or {})
            answer = connection.getresponse()
            return answer, answer.read()
        finally:
            connection.close()

    def upstream_connections(self) -> set[str]:
        """The clients' ends of all connections to the server that the kernel knows of, also of closed ones."""
        rows = [line.split() for line in Path("/proc/net/tcp").read_text().splitlines()[1:]]
        return {row[1] for row in rows if int(row[2].partition(":")[2], 16) == self.upstream}


@pytest.fixture(scope="module")
def configuration() -> str:
    """The first configuration of the page, which is the whole one."""
    return _configurations()[0]


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A model that says what it got."""
    folder = tmp_path_factory.mktemp("model")
    (folder / "main.py").write_text(HANDLER)
    return folder


@pytest.fixture(scope="module")
def server(model: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[int]:
    """The port of a server whose limit is above that of nginx."""
    options = ("--image-version", "latest", "--env", "inherit", "--max-body", str(2 * LIMIT_BYTES))
    with serving(
        model, *options, temporary=tmp_path_factory.mktemp("spool"), log=tmp_path_factory.mktemp("log") / "log"
    ) as port:
        yield port


@pytest.fixture(scope="module")
def proxy(server: int, configuration: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Proxy]:
    """A real nginx with the configuration of the page."""
    with _Nginx(configuration, server, tmp_path_factory.mktemp("nginx")) as proxy:
        yield proxy


class _Nginx:
    """A real nginx, from `with` to its end.

    Args:
        configuration: of the page.
        upstream: the port of the server that is on port 5000 in the page.
        folder: empty; for its files.
    """

    def __init__(self, configuration: str, upstream: int, folder: Path) -> None:
        for program in ("nginx", "openssl"):
            if shutil.which(program, path=_PATH) is None:
                pytest.skip(f"{program} is not installed")
        self._proxy = Proxy(_free_port(), upstream, folder)
        _make_certificate(folder)
        text = (
            configuration.replace("127.0.0.1:5000", f"127.0.0.1:{upstream}")
            .replace("listen 443 ssl", f"listen 127.0.0.1:{self._proxy.port} ssl")
            .replace("/etc/ssl/", f"{folder}/")
            .replace("/var/log/nginx/", f"{folder}/")
            .replace("client_max_body_size 512m", f"client_max_body_size {LIMIT_BYTES}")
        )
        self._file = folder / "nginx.conf"
        self._file.write_text(AROUND.format(folder=folder, text=text))
        nginx = shutil.which("nginx", path=_PATH) or "nginx"
        command = [nginx, "-c", str(self._file), "-e", str(folder / "error.log")]
        self._context = running(command, folder=folder, environment={}, log=folder / "output")

    def __enter__(self) -> Proxy:
        self._process = self._context.__enter__()
        _until(self._listens)
        return self._proxy

    def __exit__(self, *exc: object) -> None:
        self._process.terminate()
        self._context.__exit__(None, None, None)

    def reload(self, old: str, new: str) -> None:
        """Change the configuration, as `nginx -s reload` does, and wait until the old processes have ended."""
        before = self._children()
        text = self._file.read_text()
        assert old in text
        self._file.write_text(text.replace(old, new))
        self._process.send_signal(signal.SIGHUP)
        _until(lambda: bool(self._children()) and not before & self._children())

    def _children(self) -> set[str]:
        pid = self._process.pid
        return set(Path(f"/proc/{pid}/task/{pid}/children").read_text().split())

    def _listens(self) -> bool:
        assert self._process.poll() is None, (self._proxy.folder / "output").read_text()
        try:
            socket.create_connection(("127.0.0.1", self._proxy.port), timeout=1).close()
        except OSError:
            return False
        return True


# Debian has nginx where only root looks.
_PATH = "/usr/local/sbin:/usr/sbin:/usr/local/bin:/usr/bin:/bin"


def _configurations() -> list[str]:
    return FENCE.findall(PAGE.read_text())


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return int(listener.getsockname()[1])


def _make_certificate(folder: Path) -> None:
    command = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=localhost"]
    names = ["-addext", "subjectAltName=DNS:localhost"]
    files = ["-keyout", str(folder / "tax.key"), "-out", str(folder / "tax.pem")]
    subprocess.run([*command, *names, *files], check=True, capture_output=True)


def test_handler_gets_the_request_and_is_told_who_asked(proxy: Proxy) -> None:
    answer, body = proxy.ask(body=b"x" * 1000)

    assert answer.status == http.HTTPStatus.OK
    assert b'"size": 1000' in body
    assert b'"x-forwarded-for": "127.0.0.1"' in body
    assert b'"x-forwarded-proto": "https"' in body
    assert b'"host": null' in body


def test_connections_to_the_server_are_used_again(proxy: Proxy) -> None:
    proxy.ask(body=b"x")
    before = proxy.upstream_connections()
    for _ in range(REQUESTS):
        answer, _ = proxy.ask(body=b"x")
        assert answer.status == http.HTTPStatus.OK

    assert proxy.upstream_connections() <= before


def test_request_has_one_id_in_all_three_places(proxy: Proxy) -> None:
    named, _ = proxy.ask(headers={"X-Request-Id": "order-42"})
    unnamed, _ = proxy.ask()

    assert named.headers["X-Request-Id"] == "order-42"
    made = unnamed.headers["X-Request-Id"]
    assert re.fullmatch(r"[0-9a-f]{32}", made)
    log = _settled(proxy.folder / "tax.log", made)
    assert "order-42" in log


def test_body_above_the_limit_is_refused_by_nginx(proxy: Proxy) -> None:
    answer, _ = proxy.ask(body=b"x" * (LIMIT_BYTES + 1))

    assert answer.status == http.HTTPStatus.REQUEST_ENTITY_TOO_LARGE


def test_body_below_the_limit_arrives_whole_and_leaves_nothing_with_nginx(proxy: Proxy) -> None:
    answer, body = proxy.ask(body=b"x" * LIMIT_BYTES)

    assert answer.status == http.HTTPStatus.OK
    assert f'"size": {LIMIT_BYTES}'.encode() in body
    assert "buffered to a temporary file" not in (proxy.folder / "error.log").read_text()


def test_streamed_answer_arrives_while_it_is_produced(proxy: Proxy) -> None:
    connection = proxy.connect()
    try:
        connection.request("POST", "/stream", body=b"")
        answer = connection.getresponse()
        # The handler goes on for ten seconds; nobody waits for that.
        assert answer.read(5) == b"first"
    finally:
        connection.close()


def test_errors_of_the_handler_and_of_the_server_are_passed_on(proxy: Proxy) -> None:
    own, body = proxy.ask(path="/refuse")
    refused, reason = proxy.ask("OPTIONS")

    assert (own.status, body) == (http.HTTPStatus.BAD_GATEWAY, b"the handler's own 502")
    assert refused.status == http.HTTPStatus.METHOD_NOT_ALLOWED
    assert b'"status":"the method is not allowed"' in reason


def test_health_check_goes_through(proxy: Proxy) -> None:
    answer, body = proxy.ask("GET", "/health_check", body=None)

    assert (answer.status, body) == (http.HTTPStatus.OK, b'{"status":"ok"}')


def test_without_a_server_nginx_answers_in_the_words_of_the_server(configuration: str, tmp_path: Path) -> None:
    with _Nginx(configuration, _free_port(), tmp_path) as proxy:
        answer, body = proxy.ask()

    assert answer.status == http.HTTPStatus.SERVICE_UNAVAILABLE
    assert answer.headers["Retry-After"] == "1"
    assert answer.headers["Content-Type"] == "application/json"
    assert body == b'{"status":"service unavailable"}'


def test_server_that_was_taken_out_is_stopped_without_losing_a_request(
    configuration: str, model: Path, tmp_path: Path
) -> None:
    """What the page says about restarts, while a client asks all the time."""
    whole = re.sub(r"^upstream .*?^}\n", lambda _: _configurations()[1], configuration, flags=re.MULTILINE | re.DOTALL)
    options = ("--image-version", "latest", "--env", "inherit")
    folders = one, two, nginx, log = [tmp_path / name for name in ("one", "two", "nginx", "log")]
    for folder in folders:
        folder.mkdir()
    with serving(model, *options, temporary=two, log=log / "two") as other, contextlib.ExitStack() as opened:
        port = opened.enter_context(serving(model, *options, temporary=one, log=log / "one"))
        stack = _Nginx(whole.replace("127.0.0.1:5010", f"127.0.0.1:{other}"), port, nginx)
        with stack as proxy, _asking_all_the_time(proxy) as statuses:
            _until(lambda: len(statuses) > REQUESTS)
            stack.reload(f"server 127.0.0.1:{port};", f"server 127.0.0.1:{port} down;")
            # Stops the first server.
            opened.close()
            so_far = len(statuses)
            _until(lambda: len(statuses) > so_far + REQUESTS)

    assert set(statuses) == {http.HTTPStatus.OK}


@contextlib.contextmanager
def _asking_all_the_time(proxy: Proxy) -> Iterator[list[int]]:
    """The statuses that a client gets, who asks again and again in a thread."""
    statuses: list[int] = []
    is_over = threading.Event()

    def ask() -> None:
        while not is_over.is_set():
            answer, _ = proxy.ask(body=b"x")
            statuses.append(answer.status)

    client = threading.Thread(target=ask)
    client.start()
    try:
        yield statuses
    finally:
        is_over.set()
        client.join()


def test_limits_fit_those_of_the_server(configuration: str) -> None:
    def seconds(name: str) -> float:
        (text,) = re.findall(rf"^\s*{name} (\d+)s;", configuration, re.MULTILINE)
        return float(text)

    defaults = Options()
    assert "client_max_body_size 512m;" in configuration
    assert defaults.max_body == 512 * 1024 * 1024
    assert seconds("keepalive_timeout") < defaults.idle_timeout
    assert defaults.timeout is not None
    assert seconds("proxy_read_timeout") > defaults.timeout


def _until(is_so: Callable[[], bool]) -> None:
    give_up = time.monotonic() + TIMEOUT_S
    while not is_so():
        assert time.monotonic() < give_up
        time.sleep(0.005)


def _settled(log: Path, text: str) -> str:
    """A log, once it has a text: nginx writes a line when the answer has been sent."""
    _until(lambda: text in log.read_text())
    return log.read_text()
