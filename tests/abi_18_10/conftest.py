"""Handlers of tests/handlers/18.10, through a real worker."""

import asyncio
import logging
import os
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from abeja.runtime.images import Images
from abeja.runtime.local import run_once
from abeja.runtime.messages import Content, LargeBody, Request
from abeja.runtime.model import Model
from abeja.runtime.plugins import Plugins
from abeja.runtime.spool import BodySink, MemoryBudget, Spool
from tests.end_to_end.conftest import Reply

Ask = Callable[..., Reply]


@pytest.fixture
def ask(repository: Path, caplog: pytest.LogCaptureFixture) -> Ask:
    """One request to a handler: ``ask("total", b"{}", content_type="application/json")``."""
    caplog.set_level(logging.INFO)
    plugins, image = Plugins.installed(), Images().select("18.10")
    handlers = repository / "tests/handlers/18.10"

    def one(
        folder: str | Path,
        body: bytes,
        *,
        content_type: str | None = "application/json",
        handler: str = "main:handler",
        python: str | Path = sys.executable,
    ) -> Reply:
        model = Model(
            folder=handlers / folder,
            handler=handler,
            image=image,
            abi=plugins.abi(image.abi, asked_by="a test"),
            encoders=tuple(plugins.encoder(name, asked_by="a test") for name in image.encoders),
            python=Path(python),
            environment=dict(os.environ),
        )
        with Spool() as spool:
            sink = BodySink(spool, MemoryBudget())
            sink.write(body)
            request = Request(
                request_id="id-1",
                method="POST",
                path="/",
                query="",
                content_type=content_type,
                headers=(),
                contents=(Content(body=sink.close()),),
            )
            running = run_once(model, request, spool=spool, version="0", startup_timeout_s=20, timeout_s=20)
            response = asyncio.run(running)
            data = response.body or b""
            whole = data if isinstance(data, bytes) else _read(data)
        return Reply(
            status=response.status, headers={name.lower(): value for name, value in response.headers}, body=whole
        )

    return one


def _read(file: LargeBody) -> bytes:
    with file.open() as source:
        return source.read()
