"""One request as a line: for people, and as JSON with the names of the vendor's access log.

This runs for every request: a line is put together from pieces that are kept, without the json module's encoder.
"""

import json
import os
import time
from collections.abc import Mapping
from functools import lru_cache
from json.encoder import encode_basestring_ascii as quoted

from abeja.runtime import RequestRecord

_REMARKS = {"complete": "", "cut": " (cut short)", "left": " (the client has left)"}


def text_line(record: RequestRecord) -> str:
    """As the rest of the log on a terminal."""
    # What a client sends as its method or path may hold anything but a line break.
    return (
        f"INFO: {record.method} {record.path} {record.status} {(record.sent_s - record.received_s) * 1000:.1f} ms "
        f"{record.response_bytes} B{_REMARKS[record.outcome]} [request {record.request_id}]\n"
    )


class JsonLines:
    """Makes JSON lines.

    Args:
        fields: members that every line has.
    """

    def __init__(self, fields: Mapping[str, str]) -> None:
        self._constant = "".join(f",{quoted(name)}:{quoted(value)}" for name, value in fields.items())
        self._log_id = f'{{"log_id":"{os.urandom(6).hex()}-'
        self._count = 0
        self._second = -1
        self._date = ""

    def line(self, record: RequestRecord) -> str:
        """One request, with a newline."""
        self._count += 1
        elapsed_s = record.sent_s - record.received_s
        response = self._timestamp(record.time_s + elapsed_s)
        return (
            f'{self._log_id}{self._count}","log_type":"access_log","log_level":"info","timestamp":"{response[:23]}+00:00"'
            f',"request_id":{quoted(record.request_id)}'
            f"{_what(record.method, record.status, record.content_type, record.outcome)}"
            f',"path":{quoted(record.path)},"client_ip":{quoted(record.client_ip)}'
            f',"elapsed_microsecs":{elapsed_s * 1e6:.0f}'
            f',"request_timestamp":"{self._timestamp(record.time_s)}+00:00","response_timestamp":"{response}+00:00"'
            f',"request_bytes":{record.request_bytes},"response_bytes":{record.response_bytes}'
            f"{_optional(record)}{self._constant}}}\n"
        )

    def _timestamp(self, time_s: float) -> str:
        """Such as ``2019-05-01T12:00:00.123456``, in UTC."""
        second = int(time_s)
        if second != self._second:
            self._second = second
            self._date = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(second))
        return f"{self._date}.{int((time_s - second) * 1e6):06d}"


@lru_cache(maxsize=1024)
def _what(method: str, status: int, content_type: str, outcome: str) -> str:
    """What is the same for many requests."""
    return (
        f',"http_method":{quoted(method)},"http_status":{status},"content_type":{quoted(content_type)}'
        f',"outcome":{json.dumps(outcome)}'
    )


def _optional(record: RequestRecord) -> str:
    members = ""
    if record.leased_s is not None and record.queued_s is not None:
        members = f',"worker":{record.worker},"queue_microsecs":{(record.leased_s - record.queued_s) * 1e6:.0f}'
        if record.answered_s is not None:
            members += f',"handler_microsecs":{(record.answered_s - record.leased_s) * 1e6:.0f}'
    if record.requester_id:
        members += f',"requester_id":{quoted(record.requester_id)}'
    if record.traceparent:
        members += f',"trace_id":"{record.trace_id}"'
    if record.error:
        members += f',"error":{quoted(record.error)}'
    return members
