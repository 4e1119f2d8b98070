"""What an encoder promises."""

import base64
import io
import json
import pickle  # what a test has made, for a process of the same test
import subprocess
from collections.abc import Callable, Iterator, Sequence
from typing import Any

from abeja.runtime.prepare.interpreters import Interpreter
from abeja.runtime.testing.odd_values import odd_values
from abeja.runtime.testing.plugin_contract import Parameters, numbered
from abeja.runtime.testing.worker_half_contract import KIT, WorkerHalfContract

_MEDIA_TYPES = ("application/json", "text/csv", "image/png", "application/octet-stream", "text/plain", "*/*", "")
# The oldest Python reads up to this one.
_PICKLE_PROTOCOL = 4
_ENCODE = """
import base64, json, pickle, sys
kit, plugin, samples = json.load(sys.stdin)
sys.path.insert(0, kit)
from abeja_handler_testing.worker_modules import loading
Encoder = loading.load_plugin_class("encoder", plugin, "Encoder")
bodies = []
for data in samples:
    try:
        media_type, values = pickle.loads(base64.b64decode(data))
    except (ImportError, AttributeError):
        bodies.append(None)
        continue
    encoder = Encoder(media_type)
    pieces = []
    is_whole = len(values) == 1 and encoder.claims(values[0])
    for number, value in enumerate(values):
        assert is_whole or encoder.accepts(value), "it does not take %r as %s" % (value, media_type)
        pieces.extend(encoder.encode(value, is_first=number == 0))
    bodies.append(base64.b64encode(b"".join(pieces)).decode("ascii"))
json.dump(bodies, sys.stdout)
"""


class Sample:
    """An answer's content.

    Args:
        values: its elements, in their order; one alone may also be content that the encoder claims as a whole.
        body: the bytes that they become; None if the test is only that they become some.
        media_type: the answer's, lower case, without parameters.
    """

    def __init__(self, *values: Any, body: bytes | None = None, media_type: str = "application/json") -> None:
        self.values = values
        self.body = body
        self.media_type = media_type


class EncoderContract(WorkerHalfContract):
    r"""What an encoder promises.

    Example::

        class TestFraction(EncoderContract):
            plugin = fraction_encoder
            samples = [
                Fraction(1, 3),
                Sample(Fraction(1, 3), Fraction(2), body=b'"1/3"\n"2"'),
            ]

    Attributes:
        samples: values of the encoder, or `Sample` objects, which also say what they become. They are
            encoded more than once, so none may be used up by that, as an open file is.
    """

    kind = "encoder"
    class_name = "Encoder"
    methods = ("claims", "accepts", "encode")
    samples: Sequence[Any] = ()

    def parameters(self) -> Parameters:
        """See `PluginContract`."""
        return {**super().parameters(), "sample": numbered(self._samples()), "make_value": odd_values()}

    def test_it_has_samples(self) -> None:
        """Without any, nothing would be encoded."""
        assert self.samples, "the class attribute `samples` has values that the encoder takes"

    def test_a_sample_becomes_its_bytes(self, sample: Sample) -> None:
        """Each piece is bytes, and an encoder of its own for each answer makes them the same each time."""
        body = b"".join(self.pieces(sample))

        if sample.body is not None:
            assert body == sample.body, f"expected {sample.body!r}, found {body!r}"

    def test_samples_become_their_bytes_on_each_python(self, python: Interpreter) -> None:
        """As far as they can be taken there: a value of anything but the standard library is left out."""
        portable = [(sample, data) for sample in self._samples() if (data := _pickled(sample)) is not None]
        asked = json.dumps([KIT, self.half(), [data for _, data in portable]])
        # Whatever else is installed for that Python: the same on every machine.
        command = [str(python.path), "-I", "-S", "-c", _ENCODE]
        done = subprocess.run(command, input=asked, capture_output=True, text=True, check=False)
        assert done.returncode == 0, f"{python}:\n{done.stderr}"
        for (sample, _), encoded in zip(portable, json.loads(done.stdout), strict=True):
            if sample.body is not None and encoded is not None:
                found = base64.b64decode(encoded)
                assert found == sample.body, f"{python}: expected {sample.body!r}, found {found!r}"

    def test_asking_about_any_value_says_yes_or_no(self, make_value: Callable[[], Any]) -> None:
        """`claims` and `accepts` are asked about what is not theirs, and must not raise then."""
        worker_class = self.worker_class()
        for media_type in _MEDIA_TYPES:
            encoder, value = worker_class(media_type), make_value()
            for answer in (encoder.claims(value), encoder.accepts(value)):
                assert answer in (True, False), f"{media_type}: expected a bool, found {answer!r}"

    def test_asking_takes_nothing_away(self) -> None:
        """What is read or iterated when it is asked about is missing when it is encoded."""
        worker_class = self.worker_class()
        for media_type in _MEDIA_TYPES:
            encoder = worker_class(media_type)
            numbers, file, lines = iter([1, 2]), io.BytesIO(b"abc"), io.StringIO("a\nb\n")
            for value in (numbers, file, lines):
                encoder.claims(value)
                encoder.accepts(value)
            assert (list(numbers), file.read(), lines.read()) == ([1, 2], b"abc", "a\nb\n"), media_type

    def pieces(self, sample: Sample) -> Iterator[bytes]:
        """The body of a sample, as an ABI has it made."""
        encoder = self.worker_class()(sample.media_type)
        is_whole = len(sample.values) == 1 and encoder.claims(sample.values[0])
        for number, value in enumerate(sample.values):
            assert is_whole or encoder.accepts(value), f"it does not take {value!r} as {sample.media_type}"
            for piece in encoder.encode(value, is_first=number == 0):
                assert isinstance(piece, bytes), f"expected bytes, found {piece!r}"
                yield piece

    def _samples(self) -> list[Sample]:
        return [item if isinstance(item, Sample) else Sample(item) for item in self.samples]


def _pickled(sample: Sample) -> str | None:
    """The sample for another process; None if a value cannot be taken there."""
    try:
        data = pickle.dumps((sample.media_type, sample.values), protocol=_PICKLE_PROTOCOL)
    except Exception:  # a value may refuse to be pickled in its own way
        return None
    return base64.b64encode(data).decode("ascii")
