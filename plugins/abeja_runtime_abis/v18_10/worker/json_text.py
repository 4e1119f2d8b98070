"""JSON inputs."""

import json
from typing import Any, Optional

from .exceptions import InvalidInput

# What JSON is written in unless a charset says otherwise; `json` tells them apart, with or without a mark.
_UNICODE = (None, "utf-8", "utf8", "utf-16", "utf-32")


def parsed(data: bytes, *, charset: Optional[str]) -> Any:
    """The JSON document in `data`.

    Raises:
        InvalidInput: it is not JSON, or not in `charset`.
    """
    if not data.strip():
        raise InvalidInput("the body is empty; expected JSON")
    try:
        return json.loads(data if charset in _UNICODE else data.decode(charset or ""))
    except LookupError:
        raise InvalidInput("the charset '%s' is not known" % charset) from None
    except (ValueError, RecursionError) as error:
        raise InvalidInput("the body is not JSON: %s" % error) from None
