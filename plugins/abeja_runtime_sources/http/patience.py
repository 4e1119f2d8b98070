"""How often and after how long a download is tried again."""

import datetime
import email.utils
import random

from attrs import frozen


@frozen(kw_only=True)
class Patience:
    """The limits of trying.

    Attributes:
        attempts: in a row that bring nothing; one that brings data counts as the first again.
        total_attempts: for a server that always brings a little.
        first_s: before the second attempt; doubled for each further one.
        last_s: at most; also for what a server asks for by ``Retry-After``.
        silence_s: for connecting, and for each wait for data.
    """

    attempts: int = 6
    total_attempts: int = 60
    first_s: float = 0.5
    last_s: float = 60.0
    silence_s: float = 30.0

    def delay_s(self, failures: int, retry_after: str | None) -> float:
        """How long to wait after so many failures in a row.

        Half of it is random, so that many clients that failed together do not come back together.
        """
        backoff = min(self.first_s * 2 ** (failures - 1), self.last_s)
        # Not a secret.
        waited: float = backoff * random.uniform(0.5, 1.0)  # noqa: S311
        return max(waited, min(_seconds(retry_after), self.last_s))


def _seconds(retry_after: str | None) -> float:
    """What ``Retry-After`` says, in seconds or as a date (RFC 9110, 10.2.3); 0 if it says nothing."""
    if not retry_after:
        return 0.0
    if retry_after.strip().isdigit():
        return float(retry_after)
    try:
        date = email.utils.parsedate_to_datetime(retry_after)
    except ValueError:
        return 0.0
    now = datetime.datetime.now(datetime.UTC)
    return max(0.0, (date.astimezone(datetime.UTC) - now).total_seconds())
