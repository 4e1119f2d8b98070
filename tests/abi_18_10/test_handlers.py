"""What an 18.10 handler may be, and what it is given."""

import json
from pathlib import Path

import pytest

from abeja.runtime.errors import HandlerLoadError
from tests.abi_18_10.conftest import Ask


@pytest.mark.parametrize(
    "handler", ["returns_list", "returns_generator", "asynchronous", "awaited", "called", "bound", "decorated"]
)
def test_any_iterable_of_results_is_an_answer(ask: Ask, handler: str) -> None:
    reply = ask("shapes", b"[1]", handler=f"main:{handler}")

    assert (reply.status, reply.body) == (200, b'{"got": [1]}')
    assert reply.headers["content-type"] == "application/json"


def test_iterator_other_than_a_generator_is_an_answer(ask: Ask) -> None:
    assert ask("shapes", b"[1]", handler="main:returns_iterator").body == b'"[1]"'


def test_asynchronous_handler_may_refuse_its_input(ask: Ask) -> None:
    reply = ask("shapes", b"[1]", handler="main:refuses")

    assert (reply.status, reply.json()["status"]) == (400, "not [1]")


def test_input_is_an_iterator_of_one_element(ask: Ask) -> None:
    reply = ask("shapes", b'{"a": 1}', handler="main:consumes")

    assert [json.loads(line) for line in reply.body.splitlines()] == [True, {"a": 1}, "no more", []]


def test_looking_for_something_in_the_input_leaves_it_as_it_is(ask: Ask) -> None:
    assert ask("shapes", b'{"a": 1}', handler="main:looks").body == b'false\n[{"a": 1}]'


def test_context_is_one_object_with_the_response_that_is_lent_to_the_module(ask: Ask) -> None:
    assert ask("shapes", b"1", handler="main:remembers").json() == [1, True, [1]]


def test_response_of_the_handlers_own_is_left_alone(ask: Ask, tmp_path: Path) -> None:
    source = "Response = 'mine'\ndef handler(input_iter, context):\n    yield Response\n"
    (tmp_path / "main.py").write_text(source)

    assert ask(tmp_path, b"1").json() == "mine"


@pytest.mark.parametrize(
    "source",
    [
        (
            "import functools\ndef results(size, input_iter, context):\n    yield Response(['text'])\n"
            "handler = functools.partial(results, 2)\n"
        ),
        "from helpers import plain\n@plain\ndef handler(input_iter, context):\n    yield Response(['text'])\n",
        (
            "from helpers import Base\nclass Handler(Base):\n    def results(self):\n        yield Response(['text'])\n"
            "handler = Handler()\n"
        ),
    ],
    ids=["partial", "decorated elsewhere", "called by a base class elsewhere"],
)
def test_response_is_lent_to_the_module_of_the_handler_however_it_is_made(
    ask: Ask, tmp_path: Path, source: str
) -> None:
    (tmp_path / "main.py").write_text(source)
    (tmp_path / "helpers.py").write_text(
        "def plain(function):\n    return lambda *arguments: function(*arguments)\n"
        "class Base:\n    def __call__(self, input_iter, context):\n        return self.results()\n"
    )

    assert ask(tmp_path, b"1").json() == "text"


@pytest.mark.parametrize("handler", ["returns_none", "returns_text"])
def test_what_is_no_series_of_results_is_500(ask: Ask, caplog: pytest.LogCaptureFixture, handler: str) -> None:
    assert ask("shapes", b"1", handler=f"main:{handler}").status == 500
    assert "a handler of ABI 18.10 yields its results, or returns a list of them" in caplog.text


def test_handler_that_only_returns_dicts_is_refused_when_it_is_loaded(ask: Ask) -> None:
    with pytest.raises(HandlerLoadError, match=r"does not accept main:literal.*--image-version 19\.04") as caught:
        ask("old", b"{}", handler="main:literal")
    assert caught.value.name == "handler-refused"


@pytest.mark.parametrize("handler", ["computed", "reads", "subscripts"])
def test_handler_that_turns_out_to_be_of_19_04_names_that_version(
    ask: Ask, caplog: pytest.LogCaptureFixture, handler: str
) -> None:
    assert ask("old", b"{}", handler=f"main:{handler}").status == 500
    assert "--image-version 19.04" in caplog.text


def test_handler_without_room_for_both_arguments_is_refused_when_it_is_loaded(ask: Ask) -> None:
    with pytest.raises(HandlerLoadError, match=r"called as handler\(input_iter, context\): too many positional"):
        ask("old", b"{}", handler="main:lonely")


def test_what_cannot_be_called_is_refused_when_it_is_loaded(ask: Ask) -> None:
    with pytest.raises(HandlerLoadError, match="it is a dict and cannot be called"):
        ask("old", b"{}", handler="main:REPLY")
