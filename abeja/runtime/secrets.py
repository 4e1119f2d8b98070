"""What must not be seen in a log, nor by anyone who looks at a server."""

import re
from collections.abc import Iterable, Mapping

HIDDEN = "***"
# Names of variables whose values are nobody's business, such as PLATFORM_AUTH_TOKEN.
_NAME = re.compile(r"TOKEN|SECRET|PASSW|PASSPHRASE|CREDENTIAL|(?:PRIVATE|ACCESS|API)_?KEY|AUTHORIZATION", re.IGNORECASE)
# Hiding a value as short as a word would hide that word everywhere.
_SHORTEST = 8
# As in the header Authorization, however it is printed. Words have no digits.
_HEADER = re.compile(
    r"""(\bauthorization["']?\s*[:=,]\s*[\["']*(?:\w+\s+)?|\bbearer\s+(?=\S*\d))[\w.~+/-]{8,}=*""", re.IGNORECASE
)


def is_secret(name: str) -> bool:
    """Whether the value of a variable of this name is to be kept to oneself."""
    return _NAME.search(name) is not None


class Secrets:
    """Texts that are replaced wherever they are shown.

    Args:
        values: the texts; those that are too short are left alone.
    """

    def __init__(self, values: Iterable[str] = ()) -> None:
        long = sorted({value for value in values if len(value) >= _SHORTEST}, key=len, reverse=True)
        self._values = re.compile("|".join(map(re.escape, long))) if long else None

    @classmethod
    def of(cls, environ: Mapping[str, str]) -> "Secrets":
        """Those of the variables whose names say so."""
        return cls(value for name, value in environ.items() if is_secret(name))

    def hide(self, text: str) -> str:
        """`text` without them, and without what the header Authorization holds."""
        if self._values is not None:
            text = self._values.sub(HIDDEN, text)
        return _HEADER.sub(rf"\1{HIDDEN}", text)
