"""Ranges of Python versions, as ``requires-python`` says them."""

import re
from collections.abc import Callable

from abeja.runtime.prepare.interpreters import Version

_CLAUSE = re.compile(r"(===?|!=|~=|<=|>=|<|>)\s*(\d{1,4}(?:\.\d{1,4}){0,3})(\.\*)?", re.ASCII)


class PythonRange:
    """The versions that fulfil all clauses of a text such as ``>=3.8,<3.12`` or ``==3.9.*``.

    Args:
        text: as for ``requires-python``, without pre-releases.

    Raises:
        ValueError: it is no such text.

    Source: https://packaging.python.org/en/latest/specifications/version-specifiers/
    """

    def __init__(self, text: str) -> None:
        self._clauses = [_clause(part.strip()) for part in text.split(",") if part.strip()]
        if not self._clauses:
            raise ValueError(f"'{text}' names no version")

    def admits(self, version: Version) -> bool:
        """Whether `version`, of which parts may be left out, is one of them."""
        return all(clause(version) for clause in self._clauses)


def _clause(text: str) -> Callable[[Version], bool]:
    match = _CLAUSE.fullmatch(text)
    if match is None or (match[3] and match[1] not in ("==", "!=")):
        raise ValueError(f"'{text}' is no clause such as >=3.8")
    operator, limit = match[1], tuple(int(part) for part in match[2].split("."))
    if operator == "~=" and len(limit) < 2:
        raise ValueError(f"'{text}' needs a version of two parts or more")
    return _tests(operator, limit, is_prefix=bool(match[3]))


def _tests(operator: str, limit: Version, *, is_prefix: bool) -> Callable[[Version], bool]:
    def prefix(version: Version, length: int) -> Version:
        return (*version, *(0,) * length)[:length]

    length = len(limit)
    if is_prefix:
        return lambda version: (prefix(version, length) == limit) is (operator == "==")
    tests: dict[str, Callable[[Version], bool]] = {
        "==": lambda version: _full(version) == _full(limit),
        "===": lambda version: _full(version) == _full(limit),
        "!=": lambda version: _full(version) != _full(limit),
        "~=": lambda version: _full(version) >= _full(limit) and prefix(version, length - 1) == limit[:-1],
        "<=": lambda version: _full(version) <= _full(limit),
        ">=": lambda version: _full(version) >= _full(limit),
        "<": lambda version: _full(version) < _full(limit),
        ">": lambda version: _full(version) > _full(limit),
    }
    return tests[operator]


def _full(version: Version) -> Version:
    return (*version, 0, 0, 0, 0)[:4]
