"""Whether requests are admitted, as the main process tells its fronts: they refuse before a body is read."""

from typing import Any, Self

from attrs import frozen

from abeja.runtime.admission import Admission
from abeja.runtime.errors import NotReadyError, QueueFullError, RequestError

_ERRORS: dict[str, type[RequestError]] = {error.slug: error for error in (NotReadyError, QueueFullError)}


@frozen(kw_only=True)
class Standing:
    """What a front has to know of the main process. It may be a moment old: the last word is that of `submit`.

    Attributes:
        is_serving: as health checks are told.
        refusal: slug, message and fields of the error for a request that comes now; None if it is admitted.
    """

    is_serving: bool
    refusal: tuple[str, str, dict[str, Any]] | None

    @classmethod
    def of(cls, admission: Admission) -> Self:
        """As it is now."""
        error = admission.refusal()
        refusal = None if error is None else (error.slug, error.message, error.fields)
        return cls(is_serving=not admission.trouble, refusal=refusal)

    @classmethod
    def from_header(cls, header: dict[str, Any]) -> Self:
        """As a frame says it."""
        refusal = header["refusal"]
        return cls(is_serving=header["is_serving"], refusal=None if refusal is None else tuple(refusal))

    def header(self) -> dict[str, Any]:
        """The frame that says it."""
        return {"kind": "standing", "is_serving": self.is_serving, "refusal": self.refusal}

    def error(self) -> RequestError | None:
        """The error for a request that comes now."""
        if self.refusal is None:
            return None
        slug, message, fields = self.refusal
        return _ERRORS[slug](message, fields=fields)
