"""Frames as bytes, well-formed and not: the folder `frames` has one sequence in each file, with Python's escapes."""

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from abeja.runtime.worker import frames

FOLDER = Path(__file__).parent / "frames"
VALID = sorted(FOLDER.glob("valid/*.txt"))
INVALID = sorted(FOLDER.glob("invalid/*.txt"))


def seed(path: Path) -> bytes:
    """The bytes that a file stands for."""
    return path.read_text(encoding="ascii").rstrip("\n").encode("ascii").decode("unicode_escape").encode("latin-1")


@pytest.mark.parametrize("path", VALID, ids=lambda path: path.stem)
def test_well_formed_frames_are_the_same_however_they_arrive(path: Path) -> None:
    data = seed(path)
    whole = list(frames.Decoder().feed(data))
    decoder = frames.Decoder()
    by_byte = [frame for number in range(len(data)) for frame in decoder.feed(data[number : number + 1])]

    assert whole
    assert by_byte == whole
    assert all(header["kind"] for header, _ in whole)


@pytest.mark.parametrize("path", INVALID, ids=lambda path: path.stem)
def test_what_is_no_frame_is_refused(path: Path) -> None:
    with pytest.raises(frames.FrameError):
        list(frames.Decoder().feed(seed(path)))


@given(
    path=st.sampled_from(VALID + INVALID),
    changes=st.lists(st.tuples(st.integers(0, 2000), st.integers(0, 255)), max_size=5),
    cut=st.integers(0, 2000),
)
@settings(derandomize=True, max_examples=500, deadline=None)
def test_what_is_nearly_a_frame_is_a_frame_or_refused(path: Path, changes: list[tuple[int, int]], cut: int) -> None:
    data = bytearray(seed(path))
    for place, value in changes:
        data[place % len(data)] = value
    decoder = frames.Decoder()
    try:
        for header, payload in decoder.feed(bytes(data[: cut or None])):
            assert isinstance(header["kind"], str)
            assert isinstance(payload, bytes)
    except frames.FrameError:
        return
