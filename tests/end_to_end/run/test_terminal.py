"""run on a terminal: the bar stays in one line at the bottom, and the log above it is whole."""

import codecs
import contextlib
import fcntl
import os
import re
import signal
import struct
import subprocess
import termios
from collections.abc import Iterator

import pytest

from tests.end_to_end.batches import Batch

COLUMNS = 100
BEGUN = re.compile(r"\x1b(\[[0-9;]*)?\Z")
CONTROL = re.compile(r"\x1b\[[0-9;]*([A-Za-z])|([\r\n])|([^\x1b\r\n]+)")


class Terminal:
    """A terminal for stderr, as wide as a screen, that knows what was drawn.

    Attributes:
        screen: the lines, as someone in front of it would see them.
        bars: each bar that was seen, without colours.
    """

    def __init__(self) -> None:
        self._ours, self.theirs = os.openpty()
        fcntl.ioctl(self.theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 24, COLUMNS, 0, 0))
        self.screen = [""]
        self.bars: list[str] = []

    def read(self) -> Iterator[str]:
        """What is written, piece by piece, until nobody can write any more."""
        os.close(self.theirs)
        decoder = codecs.getincrementaldecoder("utf-8")()
        rest = ""
        # A terminal that nobody has open is an error to read from.
        with contextlib.suppress(OSError):
            while data := os.read(self._ours, 65536):
                text = rest + decoder.decode(data)
                begun = BEGUN.search(text)
                text, rest = (text[: begun.start()], text[begun.start() :]) if begun else (text, "")
                self._draw(text)
                yield text
        os.close(self._ours)

    def _draw(self, text: str) -> None:
        column = len(self.screen[-1])
        for command, move, shown in CONTROL.findall(text):
            if move == "\r":
                column = 0
            elif move == "\n":
                self.screen.append("")
                column = 0
            elif command == "K":
                self.screen[-1] = self.screen[-1][:column]
            elif shown:
                self.screen[-1] = self.screen[-1][:column] + shown + self.screen[-1][column + len(shown) :]
                column += len(shown)
        if self.screen[-1].startswith(("━", "─")):
            assert len(self.screen[-1]) < COLUMNS
            self.bars.append(self.screen[-1])


@pytest.fixture
def terminal() -> Terminal:
    """A terminal."""
    return Terminal()


def test_bar_grows_at_the_bottom_and_leaves_the_log_whole(batch: Batch, terminal: Terminal) -> None:
    batch.add_many(60, s=0.02)
    batch.add("0030.json", {"n": 30, "do": "raise"})

    process = batch.start("--input", "in", "--output", "out", stderr=terminal.theirs, stdout=subprocess.DEVNULL)
    for _ in terminal.read():
        pass
    process.communicate(timeout=30)

    counts = [int(count) for bar in terminal.bars for count in re.findall(r" (\d+)/60", bar)]
    assert counts == sorted(counts)
    assert len(set(counts)) > 3
    assert any(re.search(r" \d+/60 +\d+ %  [\d.]+/s  ETA 0:0\d  00\d\d\.json$", bar) for bar in terminal.bars)
    # One bar stays, and everything else is as if there had been none.
    (bar,) = [line for line in terminal.screen if line.startswith("━")]
    assert re.fullmatch(r"━{40} 60/60 100 %  [\d.]+/s  1 failed  0:0\d", bar)
    text = "\n".join(terminal.screen)
    assert "INFO: Loading user model handler with main:handler...\nERROR: unexpected error occurred" in text
    assert "ValueError: no 30\n━" in text
    assert process.returncode == 1


def test_ctrl_c_of_the_terminal_says_how_to_go_on(batch: Batch, terminal: Terminal) -> None:
    batch.add_many(500, s=0.01)

    process = batch.start("--input", "in", "--output", "out.jsonl", stderr=terminal.theirs, stdout=subprocess.DEVNULL)
    has_stopped = False
    for _ in terminal.read():
        if terminal.bars and not has_stopped:
            has_stopped = True
            process.send_signal(signal.SIGINT)
    process.communicate(timeout=30)

    assert process.returncode == 130
    assert "INFO: stopping: what the workers have is finished; a second signal stops at once" in terminal.screen
    assert terminal.screen[-2:] == ["Hint: the same command with --resume goes on from here.", ""]
    assert 0 < len(batch.lines()) < 500


def test_frames_of_a_video_are_shown_as_they_come(batch: Batch, terminal: Terminal) -> None:
    cv2 = pytest.importorskip("cv2")
    np = pytest.importorskip("numpy")
    batch.folder.joinpath("main.py").write_text(
        "import time\n\n\n"
        "def handler(input_iter, context):\n"
        "    for frame in input_iter:\n"
        "        time.sleep(0.02)\n"
        '        yield {"frame": frame["pos_frames"]}\n'
    )
    path = batch.folder / "in" / "cat.avi"
    writer = cv2.VideoWriter(str(path), cv2.VideoWriter.fourcc(*"MJPG"), 25, (64, 48))
    for _ in range(50):
        writer.write(np.zeros((48, 64, 3), np.uint8))
    writer.release()

    process = batch.start(
        *("--image-version", "18.10", "--model-dir", ".", "--input", "in", "--output", "out.jsonl"),
        stderr=terminal.theirs,
        stdout=subprocess.DEVNULL,
    )
    for _ in terminal.read():
        pass
    process.communicate(timeout=30)

    counts = [int(count) for bar in terminal.bars for count in re.findall(r"cat\.avi: (\d+) results", bar)]
    assert counts == sorted(counts)
    assert len(set(counts)) > 3
    (line,) = batch.lines()
    assert (line["encoding"], line["body"]) == ("json-lines", [{"frame": number} for number in range(50)])
