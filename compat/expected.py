"""Expected answers of ours: what the vectors' verdicts mean for each pair.

None stands for a refusal: an `error` of the worker, over HTTP a 500 with a JSON object as its body.
"""

from collections.abc import Mapping

import attrs

from compat.outcomes import Answer
from compat.pairs import JSON_TYPE
from compat.vectors import Vector, Verdict

CSV_TYPE = "text/csv"
TEXT_TYPE = "text/plain"


def _answer(body: bytes, content_type: str) -> Answer:
    return Answer(status=200, content_type=content_type, metadata={}, body=body)


# The bytes that the handler returned, where the original wrote their decimal numbers.
FIXED: Mapping[str, bytes] = {
    "json-memoryview": b"abc",
    "jpeg-bytes": b"\xff\xd8\xff\xe0",
}

# The sensible answer where the original refused.
SENSIBLE: Mapping[str, Answer | None] = {
    "json-tuple-key": None,
    "json-list-list-3chars": _answer(b'["abc", "def"]', JSON_TYPE),
    "json-list-list-4lists": _answer(b"[[1, 2, 3, 4], [5, 6, 7, 8]]", JSON_TYPE),
    "json-np-array": _answer(b"[1, 2, 3]", JSON_TYPE),
    "json-np-array-2d": _answer(b"[[0.0, 0.0], [0.0, 0.0]]", JSON_TYPE),
    "json-dict-np-bool": _answer(b'{"b": true}', JSON_TYPE),
    "json-dict-decimal": _answer(b'{"d": 1.5}', JSON_TYPE),
    "json-dict-set": _answer(b'{"s": [1]}', JSON_TYPE),
    "json-dict-bytes": _answer(b'{"b": "eA=="}', JSON_TYPE),
    "json-dict-uuid": _answer(b'{"u": "00000000-0000-0000-0000-000000000001"}', JSON_TYPE),
    "json-dict-enum": _answer(b'{"e": 200, "s": 1}', JSON_TYPE),
    "json-object": None,
    "json-exception-obj": None,
    "json-list-memoryview": _answer(b"mv", JSON_TYPE),
    "text-surrogate": None,
    "csv-dict-extra": None,
    "csv-lists": _answer(b"1,2\r\n3,4\r\n", CSV_TYPE),
    "csv-tuple-rows": _answer(b"1,2\r\n3,4\r\n", CSV_TYPE),
    "ret-str": None,
    "ret-bytes": None,
    "ret-list": None,
    "ret-int": None,
    "ret-tuple": None,
    "ret-coroutine": _answer(b"x", TEXT_TYPE),
    "ct-none": None,
    "ct-space": None,
    "ct-int": None,
    "ct-bytes": None,
    "meta-list-pairs": None,
    # Fails after its first element: over HTTP a 500, or an answer that visibly ends too early.
    "exc-in-generator": None,
    "req-lazy-content": _answer(b'{"a": 1}', TEXT_TYPE),
}

# The original's worker passed these on, and its proxy then dropped the connection or answered 500 or 501.
_REFUSED_BY_WORKER = frozenset({"status-bool"})
_REFUSED_OVER_HTTP = frozenset({"status-bool", "status-neg", "ct-crlf"})


def of_worker(vector: Vector) -> Answer | None:
    """What our worker hands to the server."""
    name = vector.pair.name
    if name in _REFUSED_BY_WORKER:
        return None
    if vector.verdict is Verdict.REFUSED:
        return SENSIBLE[name]
    assert isinstance(vector.observed, Answer)
    if vector.verdict is Verdict.FIXED:
        return attrs.evolve(vector.observed, body=FIXED[name])
    return vector.observed


def over_http(vector: Vector) -> Answer | None:
    """What an HTTP client gets; in the metadata only what HTTP lets a handler decide."""
    answer = None if vector.pair.name in _REFUSED_OVER_HTTP else of_worker(vector)
    if answer is None:
        return None
    metadata = {
        name: value for name, value in answer.metadata.items() if name.lower() not in ("content-type", "content-length")
    }
    return attrs.evolve(answer, metadata=metadata)
