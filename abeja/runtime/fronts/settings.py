"""What a front has to know to speak HTTP for a model."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Self

from attrs import frozen

from abeja.runtime.server.intake import Policy
from abeja.runtime.types import Abi


@frozen(kw_only=True)
class Settings:
    """Sent to a front once, when it starts.

    Attributes:
        policy: what is the same for every request.
        http: ``llhttp`` or ``tornado``.
        idle_timeout_s: of connections.
        log_level, is_json: see `abeja.runtime.logs.configure`.
        folder_name, environ: see `abeja.runtime.logs.Handler.describe`.
        is_watched: whether anybody wants records of requests.
    """

    policy: Policy
    http: str
    idle_timeout_s: float
    log_level: str
    is_json: bool
    folder_name: str
    environ: Mapping[str, str]
    is_watched: bool

    def fields(self) -> dict[str, Any]:
        """As JSON carries them."""
        abi = self.policy.abi
        return {
            "abi": {
                "name": abi.name,
                "worker": str(abi.worker),
                "methods": sorted(abi.methods),
                "parses_multipart": abi.parses_multipart,
            },
            "max_body_bytes": self.policy.max_body_bytes,
            "hidden": sorted(self.policy.hidden),
            "http": self.http,
            "idle_timeout_s": self.idle_timeout_s,
            "log_level": self.log_level,
            "is_json": self.is_json,
            "folder_name": self.folder_name,
            "environ": dict(self.environ),
            "is_watched": self.is_watched,
        }

    @classmethod
    def from_fields(cls, fields: dict[str, Any]) -> Self:
        """As `fields` has them."""
        abi = fields["abi"]
        return cls(
            policy=Policy(
                abi=Abi(
                    name=abi["name"],
                    worker=Path(abi["worker"]),
                    methods=abi["methods"],
                    parses_multipart=abi["parses_multipart"],
                ),
                max_body_bytes=fields["max_body_bytes"],
                hidden=frozenset(fields["hidden"]),
            ),
            http=fields["http"],
            idle_timeout_s=fields["idle_timeout_s"],
            log_level=fields["log_level"],
            is_json=fields["is_json"],
            folder_name=fields["folder_name"],
            environ=fields["environ"],
            is_watched=fields["is_watched"],
        )
