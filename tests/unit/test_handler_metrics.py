"""What a handler sends to the metrics: the protocol of StatsD with labels, and nothing that could harm the server."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from abeja_runtime_observers.metrics.handler import NAMES_LIMIT, SERIES_LIMIT, HandlerMetrics
from abeja_runtime_observers.metrics.samples import Sample, parse


@pytest.mark.parametrize(
    ("line", "sample"),
    [
        ("cats:1|c", Sample(name="cats", kind="counter", value=1)),
        ("cats_total:2|c|@0.5", Sample(name="cats", kind="counter", value=2, weight=2)),
        ("a.b-c:1.5|g", Sample(name="a_b_c", kind="gauge", value=1.5)),
        ("free:-3|g", Sample(name="free", kind="gauge", value=-3, is_relative=True)),
        ("free:+3|g", Sample(name="free", kind="gauge", value=3, is_relative=True)),
        (
            "size:7|h|#kind:cat,new",
            Sample(name="size", kind="histogram", value=7, labels=(("kind", "cat"), ("new", "true"))),
        ),
        ("size:7|d|c:container|T1700000000", Sample(name="size", kind="histogram", value=7)),
        ("load:250|ms", Sample(name="load_seconds", kind="histogram", value=0.25)),
        ("cats:1|c|#url:http://x", Sample(name="cats", kind="counter", value=1, labels=(("url", "http://x"),))),
    ],
)
def test_line_is_a_sample(line: str, sample: Sample) -> None:
    assert parse(line) == sample


@pytest.mark.parametrize(
    "line",
    [
        "cats",
        "cats:1",
        "cats:1|s",
        "cats:one|c",
        "cats:-1|c",
        "cats:nan|g",
        "cats:inf|h",
        "1cats:1|c",
        "cats and dogs:1|c",
        "c" * 101 + ":1|c",
        "cats:1|c|@0",
        "cats:1|c|@2",
        "cats:1|c|@x",
        "cats:1|c|#le:1",
        "cats:1|c|#__name__:x",
        "cats:1|c|#" + ",".join(f"l{number}:x" for number in range(9)),
        "size_count:1|g",
    ],
)
def test_line_that_is_none_is_refused(line: str) -> None:
    with pytest.raises(ValueError, match=r"expected|cannot|rate|convert"):
        parse(line)


def test_values_add_up_as_their_kind_says() -> None:
    metrics = HandlerMetrics()

    metrics.take(b"cats:1|c\ncats:2|c|@0.5\n\nfree:5|g\nfree:-2|g")
    metrics.take(b"size:3|h|#kind:cat\nsize:4|h|@0.5|#kind:cat")

    assert metrics.families["cats"].values == {(): 5}
    assert metrics.families["free"].values == {(): 3}
    histogram = metrics.families["size"].histograms[("kind", "cat"),]
    assert (sum(histogram.counts), histogram.sum) == (3, 11)
    assert not metrics.dropped


def test_names_and_series_are_bounded_and_what_is_left_out_is_counted() -> None:
    metrics = HandlerMetrics()

    for number in range(NAMES_LIMIT + 5):
        metrics.take(b"name%d:1|c" % number)
    for number in range(SERIES_LIMIT):
        metrics.take(b"name0:1|c|#user:%d" % number)
    metrics.take(b"name0:1|g")
    metrics.take(b"nonsense")

    assert len(metrics.families) == NAMES_LIMIT
    assert sum(len(family.values) for family in metrics.families.values()) == SERIES_LIMIT
    assert metrics.dropped == {"names": 5, "series": NAMES_LIMIT, "kind": 1, "malformed": 1}
    assert metrics.problem == f"name{NAMES_LIMIT} would be one name more than {NAMES_LIMIT}"


@given(st.binary(max_size=200))
def test_any_bytes_are_taken(datagram: bytes) -> None:
    HandlerMetrics().take(datagram)
