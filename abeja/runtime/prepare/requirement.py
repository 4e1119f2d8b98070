"""Names of distributions in lines of a requirements.txt."""

import re

_NAME = re.compile(
    r"\s*([A-Za-z0-9](?:[A-Za-z0-9._-]*[A-Za-z0-9])?)\s*(?:\[[^\]]*\]\s*)?(?:$|[=<>!~;@,(#\s])", re.ASCII
)
_PIN = re.compile(r"\s*([A-Za-z0-9._-]+)\s*(?:\[[^\]]*\])?\s*===?\s*([^\s;,*\\]+)", re.ASCII)


def normalized(name: str) -> str:
    """The one spelling of a distribution's name.

    Source: https://packaging.python.org/en/latest/specifications/name-normalization/
    """
    return re.sub(r"[-_.]+", "-", name).lower()


def name_of(line: str) -> str | None:
    """The normalized name that a line asks for; None for options, paths and bare URLs."""
    match = _NAME.match(line)
    return normalized(match[1]) if match else None


def pin_of(line: str) -> tuple[str, str] | None:
    """Normalized name and version of ``name==version``; None for anything else."""
    match = _PIN.match(line)
    return (normalized(match[1]), match[2]) if match else None
