"""Values of environment variables as they may be shown: without secrets."""

import re
from collections.abc import Mapping
from typing import Any

from abeja.runtime.secrets import HIDDEN, is_secret

# Parts of names that speak of a secret beside those that the log hides: here whoever reads looks at every variable.
_SECRET_NAME = re.compile(
    r"pwd|private|cookie|session|signature|salt|bearer|jwt|dsn|connection_?string"
    r"|(?:^|_)(?:key|keys|auth|pat|pin)(?:_|$)|access_?key",
    re.IGNORECASE,
)
# User and password in a URL: of an index, a proxy, a database.
_USER_INFO = re.compile(r"(?<=://)[^/\s]+(?=@)")
# What well-known issuers' tokens look like, whatever the variable is called: JWT, GitHub, AWS, Slack, PEM.
_SECRET_VALUE = re.compile(
    r"\beyJ[\w-]{10,}\.|\bgh[pousr]_\w{20,}|\bgithub_pat_\w{20,}|\bA(?:KIA|SIA)[A-Z0-9]{16}\b"
    r"|\bxox[abeprs]-|\bsk-[\w-]{20,}|\bhf_\w{20,}|-----BEGIN [A-Z ]*PRIVATE KEY-----"
)


def shown(variables: Mapping[str, str]) -> list[dict[str, Any]]:
    """`name`, `value` and `is_hidden` of each variable, by name; the value is null where it is hidden."""
    return [
        {"name": name, "value": None, "is_hidden": True}
        if _is_secret(name, value)
        else {"name": name, "value": _USER_INFO.sub(HIDDEN, value), "is_hidden": False}
        for name, value in sorted(variables.items())
    ]


def _is_secret(name: str, value: str) -> bool:
    return bool(value) and bool(is_secret(name) or _SECRET_NAME.search(name) or _SECRET_VALUE.search(value))
