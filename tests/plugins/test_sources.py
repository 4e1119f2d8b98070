"""The built-in sources keep the contract."""

import http.server
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import abeja_runtime_sources.file
import abeja_runtime_sources.http
from abeja.runtime.testing import SourceContract


class TestFile(SourceContract):
    plugin = abeja_runtime_sources.file
    foreign = ("http://127.0.0.1/a.tar", "https://127.0.0.1/a.tar", "s3://bucket/a.tar")

    @contextmanager
    def publish(self, content: bytes, folder: Path) -> Iterator[str]:
        (folder / "result.tar").write_bytes(content)
        yield str(folder / "result.tar")


class TestFileUrl(TestFile):
    @contextmanager
    def publish(self, content: bytes, folder: Path) -> Iterator[str]:
        (folder / "a result").write_bytes(content)
        yield f"file://{folder}/a%20result"


class TestHttp(SourceContract):
    plugin = abeja_runtime_sources.http
    foreign = ("/a.tar", "a.tar", "file:///a.tar", "s3://bucket/a.tar")

    @contextmanager
    def publish(self, content: bytes, folder: Path) -> Iterator[str]:
        (folder / "result.tar").write_bytes(content)

        class Handler(http.server.SimpleHTTPRequestHandler):
            def __init__(self, *arguments: object) -> None:
                super().__init__(*arguments, directory=str(folder))  # type: ignore[arg-type] # the server's

            def log_message(self, format: str, *args: object) -> None:  # noqa: A002 (its name in http.server)
                """Nothing: pytest shows what matters."""

        with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
            threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()
            try:
                yield f"http://127.0.0.1:{server.server_port}/result.tar"
            finally:
                server.shutdown()
