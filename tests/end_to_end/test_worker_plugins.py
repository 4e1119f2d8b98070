"""Worker modules of third parties that do not keep the contract, with real workers."""

import asyncio
import logging
import os
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from abeja.runtime import Abi, Encoder, Image
from abeja.runtime.errors import HandlerLoadError
from abeja.runtime.local import run_once
from abeja.runtime.messages import Content, Request, Response
from abeja.runtime.model import Model
from abeja.runtime.spool import Spool

Ask = Callable[..., Response]

REPLY = {"status": 200, "content_type": "'text/plain'", "headers": "[]", "body": "[b'x']", "streamed": False}


@pytest.fixture
def ask(tmp_path: Path) -> Ask:
    """One request to a handler whose ABI, and encoder if given, are this source."""

    def call(abi: str, encoder: str | None = None, *, worker: str = "abi.py") -> Response:
        (tmp_path / "main.py").write_text("def handler():\n    return None\n")
        (tmp_path / "abi.py").write_text(abi)
        (tmp_path / "encoder.py").write_text(encoder or "")
        model = Model(
            folder=tmp_path,
            handler="main:handler",
            image=Image(name="x", abi="x", encoders=[]),
            abi=Abi(name="x", worker=tmp_path / worker),
            encoders=(Encoder(name="x", worker=tmp_path / "encoder.py"),) if encoder is not None else (),
            python=Path(sys.executable),
            environment=dict(os.environ),
        )
        body = Content(body=b"")
        request = Request(
            request_id="1", method="POST", path="/", query="", content_type=None, headers=(), contents=(body,)
        )
        with Spool() as spool:
            running = run_once(model, request, spool=spool, version="0", startup_timeout_s=20, timeout_s=20)
            return asyncio.run(running)

    return call


def abi_that_replies(**fields: object) -> str:
    reply = ", ".join(f"{name!r}: {value}" for name, value in {**REPLY, **fields}.items())
    return (
        "class Adapter:\n"
        "    def __init__(self, function, services):\n"
        "        pass\n"
        "    def call(self, message):\n"
        f"        return {{{reply}}}\n"
    )


def test_a_reply_that_keeps_the_contract_is_the_answer(ask: Ask) -> None:
    response = ask(abi_that_replies(headers="[('x-a', 'b')]"))

    assert (response.status, response.body) == (200, b"x")
    assert ("x-a", "b") in response.headers


def test_a_request_says_how_long_it_may_take_and_who_sent_it(ask: Ask) -> None:
    response = ask(abi_that_replies(body="[repr((message.timeout_s, message.client_ip)).encode()]"))

    assert response.body == b"(20, '')"


@pytest.mark.parametrize(
    "fields",
    [
        {"status": "'200'"},
        {"status": "None"},
        {"content_type": "5"},
        {"headers": "{'x-a': 'b'}"},
        {"headers": "5"},
        {"headers": "[('x-a', 5)]"},
        {"headers": "[('x-a',)]"},
        {"body": "5"},
        {"body": "['text']"},
        {"body": "object()", "streamed": True},
        {"status": "object()"},
    ],
    ids=str,
)
def test_a_malformed_reply_is_500(ask: Ask, fields: dict[str, object]) -> None:
    assert ask(abi_that_replies(**fields)).status == 500


@pytest.mark.parametrize(
    ("abi", "encoder"),
    [
        ("def broken(:\n", None),
        ("import a_module_that_is_not_there\n", None),
        ("raise SystemExit(3)\n", None),
    ],
    ids=["syntax", "import", "exit"],
)
def test_a_worker_module_that_does_not_load_is_an_error_with_a_name(ask: Ask, abi: str, encoder: str | None) -> None:
    with pytest.raises(HandlerLoadError, match=r"the worker module of \w+ 'x' .+ does not load on Python") as caught:
        ask(abi, encoder)
    assert caught.value.name == "plugin-worker-failed"


@pytest.mark.parametrize(
    ("abi", "encoder", "missing", "found"),
    [
        ("class Adaptor:\n    pass\n", None, "Adapter", "`Adaptor`"),
        (abi_that_replies(), "def encode():\n    pass\n", "Encoder", "`encode`"),
        (abi_that_replies(), "", "Encoder", "nothing"),
    ],
)
def test_a_worker_module_without_its_class_is_said_to_lack_it(
    ask: Ask, abi: str, encoder: str | None, missing: str, found: str
) -> None:
    with pytest.raises(HandlerLoadError, match=rf"the worker module of \w+ 'x' .+ has no class '{missing}'") as caught:
        ask(abi, encoder)
    assert caught.value.name == "plugin-worker-failed"
    assert caught.value.hint.endswith(f"Defined there: {found}.")


def test_an_abi_refuses_a_request_in_the_form_of_the_servers_own_errors(
    ask: Ask, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    response = ask(
        "class Adapter:\n"
        "    def __init__(self, function, services):\n"
        "        self.services = services\n"
        "    def call(self, message):\n"
        "        return self.services.refusal(\n"
        "            message, status=422, reason='no \"x\"\\n', fields={'limit': 3}, headers=[('x-a', 'b')]\n"
        "        )\n"
    )

    assert (response.status, response.body) == (422, b'{"status":"no \\"x\\"\\n","limit":3,"request_id":"1"}')
    assert {("Content-Type", "application/json"), ("x-a", "b")} <= set(response.headers)
    assert 'refused: 422 no "x"' in caplog.text


def test_the_worker_half_of_an_abi_may_be_a_package(ask: Ask, tmp_path: Path) -> None:
    (tmp_path / "package").mkdir()
    (tmp_path / "package/__init__.py").write_text("from .adapter import Adapter\n")
    (tmp_path / "package/adapter.py").write_text(abi_that_replies(body="[b'packed']"))

    assert ask(abi="", worker="package/__init__.py").body == b"packed"
