"""The header that says which trace a request is of.

Source: W3C Trace Context, 3.2.
"""

import re

# Later versions may append fields; 00 may not.
_FORM = re.compile(r"(?!ff)([0-9a-f]{2})-([0-9a-f]{32})-([0-9a-f]{16})-[0-9a-f]{2}(-.*)?")
_NO_TRACE, _NO_PARENT = "0" * 32, "0" * 16
_LIMIT = 512
HEADER = "traceparent"


def valid(value: str) -> str:
    """`value` if it is a valid header, else the empty text: such a header is to be ignored."""
    match = _FORM.fullmatch(value) if len(value) <= _LIMIT else None
    if match is None or match[2] == _NO_TRACE or match[3] == _NO_PARENT or (match[1] == "00" and match[4]):
        return ""
    return value


def trace_id(value: str) -> str:
    """The trace of a header that is valid: 32 hexadecimal digits; empty if it is empty."""
    return value[3:35]
