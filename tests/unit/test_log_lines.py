"""Whatever is logged is one line of JSON."""

import json
import logging
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from abeja.runtime import RequestRecord
from abeja.runtime.log_lines import JsonLines, TextLines, level_of, parsed
from abeja.runtime.secrets import Secrets
from abeja_runtime_observers.access_log.lines import JsonLines as AccessLines
from abeja_runtime_observers.access_log.lines import TextLines as TextAccessLines

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)
TEXT = st.text()


def formatted(message: str, **more: Any) -> dict[str, Any]:
    record = logging.LogRecord("abeja.runtime", logging.INFO, "module.py", 1, "%s", (message,), None)
    record.__dict__.update(more)
    line = JsonLines(Secrets()).format(record)
    assert "\n" not in line
    found = json.loads(line, parse_constant=pytest.fail)
    assert isinstance(found, dict)
    return found


@given(TEXT)
def test_any_text_is_the_message_of_a_line(text: str) -> None:
    assert formatted(text)["message"] == text


@given(st.dictionaries(TEXT, JSON, max_size=5))
def test_any_object_that_a_handler_prints_is_kept(members: dict[str, Any]) -> None:
    line = formatted("", members=members, worker=3, request_id="mine")

    known = {"log_id", "log_type", "log_level", "worker", "request_id", "requester_id", "trace_id"}
    assert {name: value for name, value in members.items() if name not in known}.items() <= line.items()
    assert (line["worker"], line["request_id"]) == (3, "mine")


@given(TEXT)
def test_what_is_no_object_stays_text(text: str) -> None:
    members = parsed(text)

    assert members is None or json.loads(text) == members


@pytest.mark.parametrize(
    "text", ['{"a": NaN}', '{"a": Infinity}', '{"a": 1e999}', "[1]", '{"a": 1} and more', "{" * 10000 + "}"]
)
def test_what_other_programs_could_not_read_stays_text(text: str) -> None:
    assert parsed(text) is None


@pytest.mark.parametrize(
    ("members", "level"),
    [
        ({"log_level": "warning"}, logging.WARNING),
        ({"level": "WARN"}, logging.WARNING),
        ({"severity": "Critical"}, logging.CRITICAL),
        ({"levelname": "DEBUG"}, logging.DEBUG),
        ({"level": 30}, None),
        ({"level": "loud"}, None),
        ({}, None),
    ],
)
def test_level_is_the_one_that_the_handler_names(members: dict[str, Any], level: int | None) -> None:
    assert level_of(members) == level


@given(texts=st.tuples(*[TEXT] * 6), seconds=st.floats(0, 4e9))
def test_any_request_is_one_line_of_the_access_log(texts: tuple[str, ...], seconds: float) -> None:
    request_id, requester_id, method, path, content_type, error = texts
    record = RequestRecord(
        request_id=request_id,
        method=method,
        path=path,
        client_ip="127.0.0.1",
        requester_id=requester_id,
        traceparent="",
        time_s=seconds,
        received_s=5.0,
        queued_s=5.5,
        leased_s=6.0,
        answered_s=6.25,
        sent_s=7.0,
        worker=1,
        status=200,
        content_type=content_type,
        request_bytes=1,
        response_bytes=2,
        error=error,
        outcome="complete",
    )

    line, end = AccessLines({"model": 'a"b'}, str).lines([record]).split("\n")

    found = json.loads(line)
    assert end == ""
    assert (found["request_id"], found["http_method"], found["path"]) == (request_id, method, path)
    assert (found["elapsed_microsecs"], found["queue_microsecs"], found["handler_microsecs"]) == (
        2000000,
        500000,
        250000,
    )
    assert found["request_timestamp"] < found["response_timestamp"]
    assert found["timestamp"][:23] == found["response_timestamp"][:23]
    assert found["model"] == 'a"b'


@given(st.text(alphabet=st.characters(min_codepoint=0, max_codepoint=0x2FF)))
def test_path_moves_nothing_on_a_terminal_that_shows_the_access_log(path: str) -> None:
    record = RequestRecord._make(
        ("a", "GET", f"/\x9b31m{path}", "", "", "", 1.0, 0.0, 0.0, 0.0, 0.0, 0.1, 1, 200, "", 0, 0, "", "complete")
    )

    text = TextAccessLines(str).lines([record])
    assert text.endswith("\n")
    assert text[:-1].isprintable()
    assert text.startswith("INFO: GET /\\u009b31m")


def test_times_around_the_change_of_a_second_are_right() -> None:
    begin_s = 1_700_000_000.999_999
    record = RequestRecord._make(
        ("a", "GET", "/", "", "", "", begin_s, 0.0, 0.0, 0.0, 0.0, 0.000_002, 1, 200, "", 0, 0, "", "complete")
    )

    found = [json.loads(line) for line in AccessLines({}, str).lines([record, record]).splitlines()]

    assert {line["request_timestamp"] for line in found} <= {f"2023-11-14T22:13:20.99999{last}+00:00" for last in "89"}
    assert {line["response_timestamp"] for line in found} <= {f"2023-11-14T22:13:21.00000{last}+00:00" for last in "01"}


def test_a_secret_that_json_escapes_is_in_no_member_of_a_line() -> None:
    hushed = 'p"ss\\w\u00f6rd\nand more'
    record = logging.LogRecord("abeja.runtime", logging.ERROR, "module.py", 1, "%s", (f"no: {hushed}",), None)
    record.__dict__.update(traceback=f"ValueError: {hushed}", members={"list": [hushed]})

    line = json.loads(JsonLines(Secrets([hushed])).format(record))
    assert (line["message"], line["exc_info"], line["list"]) == ("no: ***", "ValueError: ***", ["***"])


def test_a_secret_that_is_a_number_leaves_the_line_json() -> None:
    record = logging.LogRecord("abeja.runtime", logging.INFO, "module.py", 1, "%s", ("",), None)
    record.__dict__["members"] = {"pin": 12345678}

    assert json.loads(JsonLines(Secrets(["12345678"])).format(record))["pin"] == "***"


def test_line_that_a_progress_bar_draws_over_stays_behind_its_worker() -> None:
    record = logging.LogRecord(
        "abeja.runtime", logging.INFO, "module.py", 1, "%s", ("\r  0 %\r100 %\r\nof\r\nall",), None
    )
    record.__dict__.update(worker=1, request_id="a")

    assert TextLines(Secrets()).format(record) == "INFO: [worker 1] 100 % [request a]\nof\nall"
