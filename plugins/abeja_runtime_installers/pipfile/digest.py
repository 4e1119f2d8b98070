"""The digest of a Pipfile that its lock carries."""

import hashlib
import json
from collections.abc import Mapping, Sequence
from typing import Any

# Sections that are no group of packages, or are in the digest under another name.
_SECTIONS = {"source", "packages", "dev-packages", "requires", "scripts", "pipenv", "default", "develop"}


def pipfile_digest(pipfile: Mapping[str, Any], *, default_sources: Sequence[Any]) -> str:
    """SHA-256 of the parts of a Pipfile that decide what is locked, in hexadecimal.

    Args:
        pipfile: its tables.
        default_sources: what pipenv took for granted if it has no [[source]]; the lock says what.

    Source: https://github.com/pypa/pipfile, "Pipfile.lock", and pipenv's lock files.
    """
    content = {
        "_meta": {"sources": pipfile.get("source", list(default_sources)), "requires": pipfile.get("requires", {})},
        "default": pipfile.get("packages", {}),
        "develop": pipfile.get("dev-packages", {}),
        **{name: group for name, group in pipfile.items() if name not in _SECTIONS},
    }
    text = json.dumps(content, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()
