"""The built-in encoders keep the contract."""

import array
import datetime
import decimal
import io
from fractions import Fraction

import numpy as np
from PIL import Image

import abeja_runtime_encoders.csv
import abeja_runtime_encoders.file
import abeja_runtime_encoders.image
import abeja_runtime_encoders.json
from abeja.runtime.testing import EncoderContract, Sample

PIXELS = np.zeros((2, 3, 3), np.uint8)


class TestJson(EncoderContract):
    plugin = abeja_runtime_encoders.json
    samples = (
        Sample({"a": 1, "b": [True, None, 0.5]}, body=b'{"a": 1, "b": [true, null, 0.5]}'),
        Sample({"a": 1}, 2, [], body=b'{"a": 1}\n2\n[]'),
        Sample(datetime.date(2019, 5, 1), decimal.Decimal("1.5"), {3, 1, 2}, body=b'"2019-05-01"\n1.5\n[1, 2, 3]'),
        Sample({"of": [b"x", memoryview(b"x")]}, body=b'{"of": ["eA==", "eA=="]}'),
        Sample({"name": "名前"}, body=b'{"name": "\\u540d\\u524d"}'),
        Sample(np.array([[1, 2], [3, 4]]), body=b"[[1, 2], [3, 4]]"),
        Sample({"of": np.float32(0.5)}, body=b'{"of": 0.5}', media_type="text/plain"),
    )

    def test_what_has_no_json_form_is_a_type_error(self) -> None:
        encoder = self.worker_class()("application/json")
        for value in (Fraction(1, 3), object()):
            try:
                list(encoder.encode(value, is_first=True))
            except TypeError as error:
                assert type(value).__name__ in str(error)  # noqa: PT017 (of either)
            else:
                raise AssertionError(value)


class TestCsv(EncoderContract):
    plugin = abeja_runtime_encoders.csv
    samples = (
        Sample({"a": 1, "b": "x,y"}, {"a": 2, "b": ""}, body=b'a,b\r\n1,"x,y"\r\n2,\r\n', media_type="text/csv"),
        Sample([1, 2], ("ä", None), body="1,2\r\nä,\r\n".encode(), media_type="text/csv"),
    )


class TestFile(EncoderContract):
    plugin = abeja_runtime_encoders.file
    samples = (
        Sample(b"one", bytearray(b"two"), memoryview(b"three"), body=b"onetwothree", media_type="text/plain"),
        Sample(b"alone", body=b"alone", media_type="image/png"),
        Sample(array.array("B", b"array"), b"", body=b"array", media_type="application/octet-stream"),
    )

    def test_a_file_is_sent_in_pieces_to_its_end(self) -> None:
        data = bytes(range(256)) * 1000
        pieces = list(self.pieces(Sample(io.BytesIO(data))))

        assert b"".join(pieces) == data
        assert len(pieces) > 1


class TestImage(EncoderContract):
    plugin = abeja_runtime_encoders.image
    samples = (
        Sample(PIXELS, media_type="image/png"),
        Sample(Image.fromarray(PIXELS), media_type="image/jpeg"),
        Sample(np.arange(10, dtype=np.uint8), body=bytes(range(10)), media_type="image/webp"),
    )
