"""Values of environment variables as they may be shown: without secrets."""

import re
from collections.abc import Mapping
from typing import Any

# Parts of names that say that the value is nobody's business.
_SECRET_NAME = re.compile(
    r"token|secret|passw|pwd|passphrase|credential|private|cookie|session|signature|salt|bearer|jwt|dsn"
    r"|(?:^|_)(?:key|keys|auth|authorization|pat|pin)(?:_|$)|api_?key|access_?key|connection_?string",
    re.IGNORECASE,
)
# User and password in a URL: of an index, a proxy, a database.
_USER_INFO = re.compile(r"(?<=://)[^/@\s]+(?=@)")
# What well-known issuers' tokens look like, whatever the variable is called: JWT, GitHub, AWS, Slack, PEM.
_SECRET_VALUE = re.compile(
    r"\beyJ[\w-]{10,}\.|\bgh[pousr]_\w{20,}|\bgithub_pat_\w{20,}|\bA(?:KIA|SIA)[A-Z0-9]{16}\b"
    r"|\bxox[abeprs]-|\bsk-[\w-]{20,}|\bhf_\w{20,}|-----BEGIN [A-Z ]*PRIVATE KEY-----"
)
HIDDEN_USER = "…"


def shown(variables: Mapping[str, str]) -> list[dict[str, Any]]:
    """`name`, `value` and `is_hidden` of each variable, by name; the value is null where it is hidden."""
    return [
        {"name": name, "value": None, "is_hidden": True}
        if _is_secret(name, value)
        else {"name": name, "value": _USER_INFO.sub(HIDDEN_USER, value), "is_hidden": False}
        for name, value in sorted(variables.items())
    ]


def _is_secret(name: str, value: str) -> bool:
    return bool(value) and bool(_SECRET_NAME.search(name) or _SECRET_VALUE.search(value))
