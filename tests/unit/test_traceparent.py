"""Which `traceparent` headers are valid, as W3C Trace Context has it."""

import pytest

from abeja.runtime import traceparent

TRACE = "0af7651916cd43dd8448eb211c80319c"
VALID = f"00-{TRACE}-b7ad6b7169203331-01"


@pytest.mark.parametrize("value", [VALID, f"cc-{TRACE}-b7ad6b7169203331-01-what-comes-later"])
def test_valid_header_names_its_trace(value: str) -> None:
    assert traceparent.valid(value) == value
    assert traceparent.trace_id(value) == TRACE


@pytest.mark.parametrize(
    "value",
    [
        "",
        VALID.upper(),
        f"ff{VALID[2:]}",
        f"00-{'0' * 32}-b7ad6b7169203331-01",
        f"00-{TRACE}-{'0' * 16}-01",
        f"{VALID}-more",
        f"{VALID}\n",
        VALID[:-1],
        f"cc-{TRACE}-b7ad6b7169203331-01-{'x' * 512}",
    ],
)
def test_invalid_header_is_ignored(value: str) -> None:
    assert traceparent.valid(value) == ""
    assert traceparent.trace_id(traceparent.valid(value)) == ""
