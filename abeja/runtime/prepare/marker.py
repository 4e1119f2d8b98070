"""The small file in a folder of ours that says what it was made of."""

import json
import secrets
from pathlib import Path

import attrs
from attrs import frozen

# Hidden, so that handlers that list the folder mostly do not see it.
NAME = ".abeja-training-result.json"
_FORMAT = 1
_LIMIT_BYTES = 64 * 1024


@frozen(kw_only=True)
class Marker:
    """What a folder was made of.

    Attributes:
        source: a digest of what was asked for; its text may have passwords.
        state: what the source said then of its content; empty if it says nothing.
        sha256: of the archive, where one was asked for; empty otherwise.
    """

    source: str
    state: str = ""
    sha256: str = ""

    @classmethod
    def read(cls, folder: Path) -> "Marker | None":
        """The marker of a folder, None if it has none that can be read."""
        try:
            with (folder / NAME).open("rb") as file:
                values = json.loads(file.read(_LIMIT_BYTES))
            return cls(source=values["source"], state=values["state"], sha256=values["sha256"])
        except (OSError, ValueError, TypeError, KeyError):
            return None

    def write(self, folder: Path) -> None:
        """Put the marker into a folder that is not in its place yet, over one that came with the archive."""
        text = json.dumps({"format": _FORMAT, **attrs.asdict(self)}, indent=4)
        new = folder / f"{NAME}.{secrets.token_hex(8)}"
        with new.open("x", encoding="utf-8") as file:
            file.write(text)
        new.replace(folder / NAME)

    def is_as_good_as(self, wanted: "Marker") -> bool:
        """Whether a folder with this marker is what is asked for."""
        if wanted.sha256:
            return self.sha256 == wanted.sha256
        return (self.source, self.state) == (wanted.source, wanted.state)
