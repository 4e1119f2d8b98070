"""The pytest fixture `handler_client`, for tests that run on the server's Python.

pytest imports this module at every start, so it imports nothing itself.
"""

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from abeja.runtime.testing import HandlerClient

_MARKER = (
    "handler(handler=None, worker=False, raise_errors=True, **options): "
    "what the fixture `handler_client` calls, and how; options are those of the command line, such as model_dir"
)


def pytest_configure(config: pytest.Config) -> None:
    """Say what the marker is."""
    config.addinivalue_line("markers", _MARKER)


class _Open:
    """The client that is open. There is one at a time: two models may have modules of the same name."""

    def __init__(self) -> None:
        self._asked: object = None
        self._client: HandlerClient | None = None

    def client(self, asked: dict[str, Any]) -> "HandlerClient":
        """The open one, if it is what is asked for; else another is opened in its place."""
        from abeja.runtime.testing import HandlerClient  # noqa: PLC0415 (see above)

        if self._client is None or self._asked != asked:
            self.close()
            self._client, self._asked = HandlerClient(**asked), asked
        return self._client

    def close(self) -> None:
        """Close what is open."""
        if self._client is not None:
            client, self._client = self._client, None
            client.close()


@pytest.fixture(scope="session")
def _abeja_open_client() -> Iterator[_Open]:
    """Kept between tests: importing a handler may take long, and a worker serves many requests too."""
    opened = _Open()
    yield opened
    opened.close()


@pytest.fixture
def handler_client(request: pytest.FixtureRequest, _abeja_open_client: _Open) -> "HandlerClient":
    """Calls the handler that the marker ``handler`` and the configuration name; see `HandlerClient`."""
    marker = request.node.get_closest_marker("handler")
    asked = dict(marker.kwargs) if marker else {}
    if marker and marker.args:
        asked["handler"] = marker.args[0]
    return _abeja_open_client.client(asked)
