"""What a handler sends: lines of the protocol of StatsD, with the labels that DogStatsD has added to it.

::

    name:value|type[|@rate][|#label:value,label:value]

Anybody who can write to a socket can send them, from any Python, and so can the clients that there are. Nothing in a
datagram is trusted.
"""

import math
import re

from attrs import frozen

# c counts, g is a gauge, h and d are what histograms are made of, ms is a time in milliseconds.
_LINE = re.compile(r"([A-Za-z][\w.-]{0,99}):([^|:]{1,64})\|(c|g|h|d|ms)((?:\|[^|]*)*)", re.ASCII)
_LABEL = re.compile(r"(?!__)[A-Za-z_]\w{0,39}", re.ASCII)
_LABELS_LIMIT = 8
_VALUE_LIMIT = 100
_KINDS = {"c": "counter", "g": "gauge", "h": "histogram", "d": "histogram", "ms": "histogram"}
# Of a histogram and of a counter: a gauge of this name could be taken for a part of them.
_RESERVED = ("_bucket", "_count", "_sum", "_total", "_created", "_info")


@frozen(kw_only=True)
class Sample:
    """One value that a handler has sent.

    Attributes:
        name: with nothing but letters, digits and underscores.
        kind: ``counter``, ``gauge`` or ``histogram``.
        value: of a counter, how much it grows; of a histogram, what was observed, times in seconds.
        weight: how often it happened for each time that it was sent.
        is_relative: whether a gauge changes by the value.
        labels: sorted by name.
    """

    name: str
    kind: str
    value: float
    weight: float = 1.0
    is_relative: bool = False
    labels: tuple[tuple[str, str], ...] = ()


def parse(line: str) -> Sample:
    """The sample of a line.

    Raises:
        ValueError: it is none.
    """
    match = _LINE.fullmatch(line)
    if match is None:
        raise ValueError(f"expected name:value|type, found {line[:100]!r}")
    name, text, letters, rest = match.groups()
    kind = _KINDS[letters]
    value = float(text)
    if not math.isfinite(value) or (kind == "counter" and value < 0):
        raise ValueError(f"a {kind} cannot have the value {text}")
    rate, labels = 1.0, ""
    for section in rest.split("|"):
        if section.startswith("@"):
            rate = float(section[1:])
        elif section.startswith("#"):
            labels = section[1:]
    if not 0 < rate <= 1:
        raise ValueError(f"a sample rate is above 0 and at most 1, found {rate}")
    name = re.sub(r"[.-]", "_", name)
    if kind == "counter":
        name = name.removesuffix("_total")
    elif letters == "ms":
        name, value = name.removesuffix("_seconds") + "_seconds", value / 1000
    if kind == "gauge" and name.endswith(_RESERVED):
        raise ValueError(f"a gauge cannot have the name {name}")
    is_relative = kind == "gauge" and text[0] in "+-"
    return Sample(name=name, kind=kind, value=value, weight=1 / rate, is_relative=is_relative, labels=_labels(labels))


def _labels(text: str) -> tuple[tuple[str, str], ...]:
    labels: dict[str, str] = {}
    for label in text.split(",") if text else ():
        name, has_value, value = label.partition(":")
        if not _LABEL.fullmatch(name) or name == "le":
            raise ValueError(f"a label cannot have the name {name[:40]!r}")
        labels[name] = value[:_VALUE_LIMIT] if has_value else "true"
    if len(labels) > _LABELS_LIMIT:
        raise ValueError(f"expected at most {_LABELS_LIMIT} labels, found {len(labels)}")
    return tuple(sorted(labels.items()))
