import pytest

from bench import wrk
from bench.load import LoadError

OUTPUT = """\
Running 1s test @ http://127.0.0.1:5000/
  1 threads and 1 connections
Requests/sec:   2000.00
bench-result {"requests": 2002, "duration_us": 1001000, "p50_us": 450, "p99_us": 2345, "errors": 3}
"""


def test_line_of_the_script_is_read() -> None:
    load = wrk.parse(OUTPUT)

    assert (load.requests, load.seconds, load.errors) == (2002, 1.001, 3)
    assert (load.p50_ms, load.p99_ms) == (0.45, 2.345)


def test_wrk_that_fails_is_quoted() -> None:
    with pytest.raises(LoadError, match="unable to connect"):
        wrk.parse("", "unable to connect to 127.0.0.1:1 Connection refused\n")
