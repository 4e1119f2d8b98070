"""``[[source]]`` of a Pipfile: where packages come from."""

import re
from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import urlsplit

_VARIABLE = re.compile(r"\$(?:\{(\w+)\}|(\w+))")
# The index that everyone uses anyway, unless pip is configured for another in its place.
_PUBLIC_INDEX = {"pypi.org", "pypi.python.org"}


def source_lines(sources: Sequence[Mapping[str, Any]], environ: Mapping[str, str]) -> list[str]:
    """Lines of a requirements.txt for the sources; the first one is the main index.

    Raises:
        ValueError: a source has no URL, or refers to a variable that is not set.
    """
    urls = [_url(source, environ) for source in sources]
    lines = []
    for number, url in enumerate(urls):
        option = "--index-url" if number == 0 else "--extra-index-url"
        if urlsplit(url).hostname not in _PUBLIC_INDEX:
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
