"""text/csv in the worker: mappings become rows under the first one's keys, sequences bare rows."""

import csv
import io
from typing import Any, Iterable, Optional


class Encoder(object):
    """Encodes one answer's elements as CSV rows that end in CRLF (RFC 4180), in UTF-8.

    Args:
        media_type: the answer's, lower case, without parameters.
    """

    def __init__(self, media_type: str) -> None:
        self._is_csv = media_type == "text/csv"
        self._writer: Optional[csv.DictWriter[Any]] = None
        self._buffer: Optional[io.StringIO] = None

    def claims(self, content: Any) -> bool:
        """Never: a table is a stream of rows."""
        return False

    def accepts(self, value: Any) -> bool:
        """A list, a tuple, or anything with keys."""
        return self._is_csv and (isinstance(value, (list, tuple)) or hasattr(value, "keys"))

    def encode(self, value: Any, *, is_first: bool) -> Iterable[bytes]:
        """One row, under the header if it is the first mapping.

        Raises:
            ValueError: a mapping has a key that the header does not have.
        """
        # Every answer has an encoder of each kind, and few are tables.
        buffer = self._buffer = self._buffer or io.StringIO(newline="")
        if isinstance(value, (list, tuple)):
            csv.writer(buffer).writerow(value)
        else:
            self._write_mapping(value, buffer)
        row = buffer.getvalue().encode("utf-8")
        buffer.seek(0)
        buffer.truncate()
        return (row,)

    def _write_mapping(self, value: Any, buffer: io.StringIO) -> None:
        if self._writer is None:
            # The keys as they are when each row is written: a generator may yield one growing dict.
            self._writer = csv.DictWriter(buffer, value.keys())
            self._writer.writeheader()
        self._writer.writerow(value)
