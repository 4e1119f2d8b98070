"""Names of the standard library's modules, by the version of Python."""

import sys

from abeja.runtime.prepare.interpreters import Version

# Module -> the first version that has it. Source: the "What's New" pages of Python.
_ADDED: dict[str, Version] = {
    "contextvars": (3, 7),
    "dataclasses": (3, 7),
    "graphlib": (3, 9),
    "zoneinfo": (3, 9),
    "tomllib": (3, 11),
    "annotationlib": (3, 14),
    "compression": (3, 14),
}
# Module -> the first version that has it no more. Source: the same, and PEP 594.
_REMOVED: dict[str, Version] = {
    "macurl2path": (3, 7),
    "fpectl": (3, 7),
    "macpath": (3, 8),
    "_dummy_thread": (3, 9),
    "dummy_threading": (3, 9),
    "formatter": (3, 10),
    "parser": (3, 10),
    "symbol": (3, 10),
    "binhex": (3, 11),
    **dict.fromkeys(("asynchat", "asyncore", "distutils", "imp", "smtpd"), (3, 12)),
    **dict.fromkeys(
        (
            *("aifc", "audioop", "cgi", "cgitb", "chunk", "crypt", "imghdr", "lib2to3", "mailcap", "msilib"),
            *("nis", "nntplib", "ossaudiodev", "pipes", "sndhdr", "spwd", "sunau", "telnetlib", "uu", "xdrlib"),
        ),
        (3, 13),
    ),
}


def has_module(name: str, version: Version) -> bool:
    """Whether Python `version` has the top-level module `name`; that of the server knows the other names."""
    if name in _REMOVED:
        return version[:2] < _REMOVED[name]
    if name in _ADDED:
        return version[:2] >= _ADDED[name]
    return name in sys.stdlib_module_names or name == "__main__"


def change(name: str) -> str:
    """Which versions of Python have a module that not all have, such as ``is of Python 3.7 and later``."""
    if name in _ADDED:
        major, minor = _ADDED[name]
        return f"is of Python {major}.{minor} and later"
    if name in _REMOVED:
        major, minor = _REMOVED[name]
        return f"is gone since Python {major}.{minor}"
    return ""
