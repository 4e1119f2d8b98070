"""The metrics of the handler's own: kept in the server, so that they outlive the workers."""

from bisect import bisect_left
from collections import Counter

from abeja_runtime_observers.metrics.samples import Sample, parse

# A label with a value for each request would otherwise grow for ever, here and in whatever collects it.
NAMES_LIMIT = 100
SERIES_LIMIT = 1000
# For whatever is observed, seconds or numbers.
BUCKETS = tuple(digit * 10.0**power for power in range(-3, 4) for digit in (1, 2.5, 5))

Labels = tuple[tuple[str, str], ...]


class Histogram:
    """How often a value was in each bucket; the last is for what is above all bounds."""

    def __init__(self) -> None:
        self.counts = [0.0] * (len(BUCKETS) + 1)
        self.sum = 0.0


class Family:
    """All series of one name.

    Attributes:
        kind: ``counter``, ``gauge`` or ``histogram``.
        values: of counters and gauges, by labels.
        histograms: the same of histograms.
    """

    def __init__(self, kind: str) -> None:
        self.kind = kind
        self.values: dict[Labels, float] = {}
        self.histograms: dict[Labels, Histogram] = {}

    def has(self, labels: Labels) -> bool:
        """Whether there is such a series."""
        return labels in self.values or labels in self.histograms

    def add(self, sample: Sample) -> None:
        """Count it."""
        if sample.kind == "histogram":
            histogram = self.histograms.setdefault(sample.labels, Histogram())
            histogram.counts[bisect_left(BUCKETS, sample.value)] += sample.weight
            histogram.sum += sample.value * sample.weight
        elif sample.kind == "counter" or sample.is_relative:
            self.values[sample.labels] = self.values.get(sample.labels, 0.0) + sample.value * sample.weight
        else:
            self.values[sample.labels] = sample.value


class HandlerMetrics:
    """What all workers of a server have sent.

    Attributes:
        families: by name.
        dropped: how many samples were left out, by reason.
        problem: what was wrong with the first sample that was left out; empty if none was.
    """

    def __init__(self) -> None:
        self.families: dict[str, Family] = {}
        self._series = 0
        self.dropped: Counter[str] = Counter()
        self.problem = ""

    def take(self, datagram: bytes) -> None:
        """Count the lines of a datagram; what cannot be used is left out and counted as such."""
        for line in datagram.decode("utf-8", "replace").splitlines():
            if line.strip():
                try:
                    sample = parse(line.strip())
                except ValueError as error:
                    self._drop("malformed", str(error))
                else:
                    self._add(sample)

    def _add(self, sample: Sample) -> None:
        family = self.families.get(sample.name)
        if family is None and len(self.families) >= NAMES_LIMIT:
            self._drop("names", f"{sample.name} would be one name more than {NAMES_LIMIT}")
        elif family is not None and family.kind != sample.kind:
            self._drop("kind", f"{sample.name} is a {family.kind}, and cannot be a {sample.kind} too")
        elif (family is None or not family.has(sample.labels)) and self._series >= SERIES_LIMIT:
            self._drop("series", f"{sample.name} would have one set of labels more than there may be: {SERIES_LIMIT}")
        else:
            family = self.families.setdefault(sample.name, Family(sample.kind))
            self._series += not family.has(sample.labels)
            family.add(sample)

    def _drop(self, reason: str, problem: str) -> None:
        self.dropped[reason] += 1
        self.problem = self.problem or problem
