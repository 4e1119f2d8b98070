"""A tab of headless Chromium, driven over the DevTools protocol through a pipe: nothing to install but the browser."""

import base64
import fcntl
import json
import os
import select
import subprocess
import time
from pathlib import Path
from typing import Any, Self

_FLAGS = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--disable-dev-shm-usage",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--disable-extensions",
    "--force-device-scale-factor=1",
    "--hide-scrollbars",
    "--remote-debugging-pipe",
)
_FREE_FD = 10
_ANSWER_S = 30.0
_POLL_S = 0.03
# What the protocol wants to know of a key; others are text.
_KEYS = {"Tab": 9, "Enter": 13, "Escape": 27, "ArrowDown": 40, "ArrowRight": 39, "ArrowLeft": 37, " ": 32}
_CONTROL, _SHIFT = 2, 8


class DevTools:
    """A browser with one tab.

    Args:
        executable: the browser.
        profile: an empty folder.

    Attributes:
        messages: what pages wrote to their console, and exceptions that nobody caught.
    """

    def __init__(self, executable: str, profile: Path) -> None:
        low_in, self._write_fd = os.pipe()
        self._read_fd, low_out = os.pipe()
        # Out of the way of those that they become.
        theirs_in, theirs_out = (fcntl.fcntl(fd, fcntl.F_DUPFD, _FREE_FD) for fd in (low_in, low_out))
        command = [executable, *_FLAGS, f"--user-data-dir={profile}", "about:blank"]
        # The browser's ends have the numbers 3 and 4.
        script = f'exec "$@" 3<&{theirs_in} 4>&{theirs_out} {theirs_in}<&- {theirs_out}>&-'
        self._process = subprocess.Popen(
            ["/bin/bash", "-c", script, "sh", *command],
            pass_fds=(theirs_in, theirs_out),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            env={**os.environ, "HOME": str(profile)},
        )
        for fd in (low_in, low_out, theirs_in, theirs_out):
            os.close(fd)
        self._data = b""
        self._count = 0
        self._session = ""
        self.messages: list[str] = []

    def __enter__(self) -> Self:
        target = self.call("Target.createTarget", url="about:blank")["targetId"]
        self._session = self.call("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
        for domain in ("Page", "Runtime", "Log", "DOM"):
            self.call(f"{domain}.enable")
        return self

    def __exit__(self, *exc: object) -> None:
        os.close(self._write_fd)
        try:
            self._process.wait(10)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        os.close(self._read_fd)

    def call(self, method: str, **parameters: Any) -> Any:
        """Call the protocol and wait for what it returns."""
        self._count += 1
        number = self._count
        message = {"id": number, "method": method, "params": parameters}
        if self._session:
            message["sessionId"] = self._session
        os.write(self._write_fd, json.dumps(message).encode() + b"\0")
        end = time.monotonic() + _ANSWER_S
        while (answer := self._next(end)).get("id") != number:
            self._note(answer)
        assert "error" not in answer, f"{method}: {answer['error']}"
        return answer["result"]

    def open(self, url: str) -> None:
        """Go to a page and wait until it has loaded."""
        self.call("Page.navigate", url=url)
        self.wait_for("document.readyState === 'complete' && location.href !== 'about:blank'")

    def evaluate(self, expression: str) -> Any:
        """The value of an expression in the page; a promise is awaited."""
        result = self.call("Runtime.evaluate", expression=expression, returnByValue=True, awaitPromise=True)
        assert "exceptionDetails" not in result, f"{expression}: {result['exceptionDetails']}"
        return result["result"].get("value")

    def wait_for(self, condition: str, *, limit_s: float = 20.0) -> None:
        """Wait until an expression in the page is true."""
        end = time.monotonic() + limit_s
        while time.monotonic() < end:
            if self.evaluate(f"Boolean({condition})"):
                return
            time.sleep(_POLL_S)
        raise AssertionError(f"waited {limit_s} s for {condition}; console: {self.messages}")

    def text(self, selector: str) -> str:
        """The text that a person sees of an element."""
        return str(self.evaluate(f"document.querySelector({json.dumps(selector)}).innerText"))

    def choose_files(self, selector: str, *files: Path) -> None:
        """As if they were chosen in the dialog."""
        root = self.call("DOM.getDocument", depth=0)["root"]["nodeId"]
        node = self.call("DOM.querySelector", nodeId=root, selector=selector)["nodeId"]
        self.call("DOM.setFileInputFiles", nodeId=node, files=[str(path) for path in files])

    def press(self, key: str, *, control: bool = False, shift: bool = False) -> None:
        """Press a key and let it go."""
        code = {"windowsVirtualKeyCode": _KEYS[key], "code": "Space" if key == " " else key}
        modifiers = _CONTROL * control + _SHIFT * shift
        text = {"Enter": "\r", " ": " "}.get(key)
        down = {"text": text} if text and not control else {}
        self.call("Input.dispatchKeyEvent", type="keyDown", key=key, modifiers=modifiers, **code, **down)
        self.call("Input.dispatchKeyEvent", type="keyUp", key=key, modifiers=modifiers, **code)

    def type(self, text: str) -> None:
        """Type text into what has the focus."""
        self.call("Input.insertText", text=text)

    def resize(self, width: int, height: int) -> None:
        """Give the page a size in pixels."""
        self.call(
            "Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=1, mobile=width < 600
        )

    def prefer(self, scheme: str) -> None:
        """Prefer `light` or `dark`."""
        self.call("Emulation.setEmulatedMedia", features=[{"name": "prefers-color-scheme", "value": scheme}])

    def picture(self, *, whole: bool = False) -> bytes:
        """What can be seen, or the whole page, as PNG."""
        return base64.b64decode(self.call("Page.captureScreenshot", format="png", captureBeyondViewport=whole)["data"])

    def _next(self, end: float) -> dict[str, Any]:
        while b"\0" not in self._data:
            ready, _, _ = select.select([self._read_fd], [], [], max(0.0, end - time.monotonic()))
            data = os.read(self._read_fd, 1 << 20) if ready else b""
            assert data, "the browser does not answer"
            self._data += data
        message, _, self._data = self._data.partition(b"\0")
        answer: dict[str, Any] = json.loads(message)
        return answer

    def _note(self, event: dict[str, Any]) -> None:
        parameters = event.get("params", {})
        if event.get("method") == "Runtime.exceptionThrown":
            self.messages.append(str(parameters["exceptionDetails"].get("exception", {}).get("description")))
        elif event.get("method") == "Log.entryAdded":
            self.messages.append(str(parameters["entry"]["text"]))
        elif event.get("method") == "Runtime.consoleAPICalled":
            self.messages.append(str([argument.get("value") for argument in parameters["args"]]))
