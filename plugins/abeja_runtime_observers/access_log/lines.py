"""Requests as lines: for people, and as JSON with the names of the vendor's access log.

This runs for every request: a line is put together from pieces that are kept, without the json module's encoder.
"""

import os
import time
from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache, partial
from json.encoder import encode_basestring_ascii as quoted

from abeja.runtime import RequestRecord

_SECOND_US = 1_000_000
_REMARKS = {"complete": "", "cut": " (cut short)", "left": " (the client has left)"}


class TextLines:
    """Makes lines for people.

    Args:
        hide: takes secrets out of a path.
    """

    def __init__(self, hide: Callable[[str], str]) -> None:
        # Clients send the same paths again and again, and each may be 8 KiB long.
        self._shown = lru_cache(maxsize=256)(lambda path: _printable(hide(path)))

    def lines(self, records: Sequence[RequestRecord]) -> str:
        """The requests, as the rest of the log on a terminal."""
        shown = self._shown
        return "".join(
            [
                f"INFO: {record.method} {shown(record.path)} {record.status} "
                f"{(record.sent_s - record.received_s) * 1000:.1f} ms "
                f"{record.response_bytes} B{_REMARKS[record.outcome]} [request {record.request_id}]\n"
                for record in records
            ]
        )


class JsonLines:
    """Makes JSON lines.

    Args:
        fields: members that every line has.
        hide: takes secrets out of a path.
    """

    def __init__(self, fields: Mapping[str, str], hide: Callable[[str], str]) -> None:
        self._constant = "".join(f",{quoted(name)}:{quoted(value)}" for name, value in fields.items()) + "}\n"
        # As many as there are paths: see above.
        self._what = lru_cache(maxsize=256)(partial(_what, hide))
        self._log_id = f'{{"log_id":"{os.urandom(6).hex()}-'
        self._count = 0

    def lines(self, records: Sequence[RequestRecord]) -> str:
        """The requests, each with a newline."""
        start, constant, what = self._log_id, self._constant, self._what
        # So that a time minus the offset has seven digits, of which all but the first are the microseconds.
        second, offset, date, lines = -1, 0, "", []
        for count, record in enumerate(records, self._count + 1):
            (id_, method, path, client_ip, requester_id, parent, time_s, received_s, queued_s, leased_s, answered_s,
             sent_s, worker, status, content_type, request_bytes, response_bytes, error, outcome) = record  # fmt: skip
            begin_us, elapsed_us = int(time_s * 1e6), int((sent_s - received_s) * 1e6)
            end_us = begin_us + elapsed_us
            if end_us // _SECOND_US != second:
                second = end_us // _SECOND_US
                offset, date = (second - 1) * _SECOND_US, _date(second)
            end = f"{date}.{str(end_us - offset)[1:]}"
            if begin_us - offset >= _SECOND_US:
                begin = f"{date}.{str(begin_us - offset)[1:]}"
            else:
                begin = f"{_date(begin_us // _SECOND_US)}.{str(_SECOND_US + begin_us % _SECOND_US)[1:]}"
            stages = ""
            if answered_s is not None and leased_s is not None and queued_s is not None:
                stages = (
                    f',"worker":{worker},"queue_microsecs":{int((leased_s - queued_s) * 1e6)}'
                    f',"handler_microsecs":{int((answered_s - leased_s) * 1e6)}'
                )
            elif worker:
                stages = f',"worker":{worker}'
            lines.append(
                f'{start}{count}","timestamp":"{end[:23]}+00:00","request_id":{quoted(id_)}'
                f"{what(path, method, status, content_type, outcome, client_ip)}"
                f',"elapsed_microsecs":{elapsed_us},"request_timestamp":"{begin}+00:00","response_timestamp":"{end}+00:00"'
                f',"request_bytes":{request_bytes},"response_bytes":{response_bytes}{stages}'
                f"{_rare(record) if requester_id or parent or error else ''}{constant}"
            )
        self._count += len(lines)
        return "".join(lines)


def _printable(path: str) -> str:
    """A path without what moves a terminal: parsers refuse control characters of ASCII, and not all of them others."""
    return "".join([character if character.isprintable() else quoted(character)[1:-1] for character in path])


@lru_cache(maxsize=4)
def _date(second: int) -> str:
    """Such as ``2019-05-01T12:00:00``, in UTC."""
    return time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(second))


def _what(  # noqa: PLR0917 (keywords would cost as much as what is kept)
    hide: Callable[[str], str], path: str, method: str, status: int, content_type: str, outcome: str, client_ip: str
) -> str:
    """What is the same for many requests."""
    return (
        f',"log_type":"access_log","log_level":"info","http_method":{quoted(method)},"path":{quoted(hide(path))}'
        f',"http_status":{status},"content_type":{quoted(content_type)},"outcome":"{outcome}","client_ip":"{client_ip}"'
    )


def _rare(record: RequestRecord) -> str:
    """What most requests do not have."""
    texts = {"requester_id": record.requester_id, "trace_id": record.trace_id, "error": record.error}
    return "".join(f',"{name}":{quoted(text)}' for name, text in texts.items() if text)
