"""What must not be seen in a log, nor by anyone who looks at a server."""

import json
import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

HIDDEN = "***"
# Names of variables whose values are nobody's business, such as PLATFORM_AUTH_TOKEN.
_NAME = re.compile(r"TOKEN|SECRET|PASSW|PASSPHRASE|CREDENTIAL|(?:PRIVATE|ACCESS|API)_?KEY|AUTHORIZATION", re.IGNORECASE)
# Hiding a value as short as a word would hide that word everywhere.
_SHORTEST = 8
# As in the header Authorization, however it is printed. Words have no digits.
_HEADER = re.compile(
    r"""((?:\b|(?<=\\[nrt]))(?:authorization[\\"']*\s*[:=,]\s*[\[\\"']*(?:\w+\s+)?|bearer\s+(?=\S*\d)))[\w.~+/-]{8,}=*""",
    re.IGNORECASE,
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
        forms = {form for value in values for form in _forms(value)}
        long = sorted((form for form in forms if len(form) >= _SHORTEST), key=len, reverse=True)
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

    def hide_within(self, value: Any) -> Any:
        """What JSON can say, without them: texts, names of members, and numbers that are one."""
        try:
            if isinstance(value, str):
                return self.hide(value)
            if isinstance(value, Mapping):
                return {self.hide(name): self.hide_within(item) for name, item in value.items()}
            if isinstance(value, list | tuple):
                return [self.hide_within(item) for item in value]
        except RecursionError:
            return HIDDEN
        is_number = isinstance(value, int | float) and not isinstance(value, bool)
        return HIDDEN if is_number and self.hide(repr(value)) != repr(value) else value


def _forms(value: str) -> Iterator[str]:
    """A text as it is printed: as it is, line by line, and quoted as by Python or in JSON."""
    for text in (value, *map(str.strip, value.splitlines())):
        yield text
        yield repr(text)[1:-1]
        yield json.dumps(text)[1:-1]
        yield json.dumps(text, ensure_ascii=False)[1:-1]
