"""The page as one document, and the policy under which a browser shows it."""

import base64
import hashlib
import re
from functools import cache
from pathlib import Path

from attrs import frozen

_FOLDER = Path(__file__).with_name("parts")
_STYLE = re.compile(r'<link rel="stylesheet" href="([a-z]+\.css)">')
_SCRIPT = re.compile(r'<script src="([a-z]+\.js)"></script>')


@frozen(kw_only=True)
class Page:
    """One HTML document that refers to nothing else.

    Attributes:
        document: the document, UTF-8.
        policy: its Content-Security-Policy. Of scripts and styles, those of the document run and no others, and
            nothing turns text into markup: ``require-trusted-types-for`` makes ``innerHTML`` and its like fail.
    """

    document: bytes
    policy: str

    @classmethod
    @cache
    def load(cls) -> "Page":
        """The page, from its sources in the package: markup, styles and scripts, each a file of its own."""
        hashes: dict[str, list[str]] = {"style": [], "script": []}

        def embedded(tag: str, name: str) -> str:
            text = (_FOLDER / name).read_text(encoding="utf-8")
            digest = base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()
            hashes[tag].append(f"'sha256-{digest}'")
            return f"<{tag}>{text}</{tag}>"

        markup = (_FOLDER / "page.html").read_text(encoding="utf-8")
        markup = _STYLE.sub(lambda match: embedded("style", match[1]), markup)
        markup = _SCRIPT.sub(lambda match: embedded("script", match[1]), markup)
        policy = (
            "default-src 'none'",
            f"script-src {' '.join(hashes['script'])}",
            f"style-src {' '.join(hashes['style'])}",
            # Pictures, sounds and films of an answer are shown from memory; the icon is in the document.
            "img-src blob: data:",
            "media-src blob:",
            "connect-src 'self'",
            "base-uri 'none'",
            "form-action 'none'",
            "frame-ancestors 'none'",
            "require-trusted-types-for 'script'",
            "trusted-types 'none'",
        )
        return cls(document=markup.encode(), policy="; ".join(policy))
