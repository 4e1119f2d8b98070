"""Videos, as PyAV decodes them."""

from typing import Any, Generator, Iterator, Optional, Tuple

from .position import milliseconds


def pictures(av: Any, path: str) -> Generator[Tuple[Any, int], None, None]:
    """Pixels and position in ms of each frame, up to where the video ends or breaks off.

    Args:
        av: the module.
        path: the video's.
    """
    try:
        container = _opened(av, path)
    except MemoryError:
        raise
    except _error(av):
        return
    try:
        for stream in container.streams.video[:1]:
            clock = _Clock(container, stream)
            for frame in _unbroken(container.decode(stream), _error(av)):
                # Without the padding that the rows of PyAV's own array have.
                yield frame.to_ndarray(format="rgb24").copy(), clock.position_ms(frame)
    finally:
        container.close()


def _error(av: Any) -> Any:
    """What PyAV raises for broken videos; versions before 7 have another name for it."""
    return getattr(av, "FFmpegError", None) or av.AVError


def _opened(av: Any, path: str) -> Any:
    try:
        # Titles may be in any encoding.
        return av.open(path, metadata_errors="replace")
    except TypeError:
        # Since version 19 there is no such argument, and PyAV does so by itself.
        return av.open(path)


def _unbroken(frames: Iterator[Any], error: Any) -> Iterator[Any]:
    """Like OpenCV, up to the first that cannot be decoded."""
    while True:
        try:
            frame = next(frames)
        except StopIteration:
            return
        except MemoryError:
            raise
        except error:
            return
        yield frame


class _Clock(object):
    """Where frames are, counted from the start of the stream, as OpenCV does.

    Args:
        container: an open one.
        stream: of the container.
    """

    def __init__(self, container: Any, stream: Any) -> None:
        self._tick_ms = stream.time_base * 1000
        # An AVI says when a frame is decoded, and not when it is shown.
        self._is_avi = container.format.name == "avi"
        self._start: Optional[int] = None if self._is_avi else stream.start_time
        self._last = -1

    def position_ms(self, frame: Any) -> int:
        """Of the frames one after the other."""
        ticks = frame.dts if self._is_avi or frame.pts is None else frame.pts
        if ticks is None:
            ticks = self._last + 1
        if self._start is None:
            self._start = ticks
        self._last = ticks
        return milliseconds(float((ticks - self._start) * self._tick_ms))
