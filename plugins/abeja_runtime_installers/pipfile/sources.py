"""``[[source]]`` of a Pipfile: where packages come from."""

import re
from collections.abc import Mapping, Sequence
from typing import Any

_VARIABLE = re.compile(r"\$(?:\{(\w+)\}|(\w+))")
# What pipenv calls the public index in every Pipfile that it makes, and the variables by which
# someone says which index takes its place.
_PUBLIC = "pypi"
_MIRROR_VARIABLES = ("PIP_INDEX_URL", "PIPENV_PYPI_MIRROR")


def source_lines(sources: Sequence[Mapping[str, Any]], environ: Mapping[str, str]) -> list[str]:
    """Lines of a requirements.txt for the sources; the first one is the main index.

    A source named pypi is left to the installer's own settings when the environment names a mirror.

    Raises:
        ValueError: a source has no URL, or refers to a variable that is not set.
    """
    has_mirror = any(environ.get(name) for name in _MIRROR_VARIABLES)
    lines = []
    for number, source in enumerate(sources):
        url = _url(source, environ)
        option = "--index-url" if number == 0 else "--extra-index-url"
        if not (has_mirror and source.get("name") == _PUBLIC):
            lines.append(f"{option} {url}")
    return lines


def _url(source: Mapping[str, Any], environ: Mapping[str, str]) -> str:
    url = source.get("url")
    if not isinstance(url, str):
        raise ValueError(f"a [[source]] has no url: {dict(source)!r}")  # noqa: TRY004 (see __init__.py)
    for names in _VARIABLE.findall(url):
        name = names[0] or names[1]
        if name not in environ:
            raise ValueError(f"the variable {name} of the [[source]] {source.get('name', url)} is not set")
    # Values stay out of files: whoever installs reads them from the environment.
    return _VARIABLE.sub(lambda match: f"${{{match[1] or match[2]}}}", url)
