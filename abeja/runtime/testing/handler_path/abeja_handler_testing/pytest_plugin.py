"""The fixture `handler_client` in `abeja-runtime test`, on the handler's own Python."""

from typing import Any, Dict, Iterator

import pytest

from .in_process import HandlerClient

_MARKER = "handler(handler=None, raise_errors=True, worker=False): what the fixture `handler_client` calls, and how"


def pytest_configure(config: Any) -> None:
    """Say what the marker is."""
    config.addinivalue_line("markers", _MARKER)


@pytest.fixture(scope="session")
def _abeja_clients() -> Iterator[Dict[str, HandlerClient]]:
    clients: Dict[str, HandlerClient] = {}
    yield clients
    for client in clients.values():
        client.close()


@pytest.fixture
def handler_client(request: Any, _abeja_clients: Dict[str, HandlerClient]) -> HandlerClient:
    """Calls the handler in this process."""
    # Of pytest 3.6 on; a requirement without a version, as of 2019, gives older ones.
    find_marker = getattr(request.node, "get_closest_marker", None) or request.node.get_marker
    marker = find_marker("handler")
    options = dict(marker.kwargs) if marker else {}
    if marker and marker.args:
        options["handler"] = marker.args[0]
    if options.pop("worker", False):
        pytest.skip("a worker needs the server's Python: run pytest there, rather than `abeja-runtime test`")
    unknown = sorted(set(options) - {"handler", "raise_errors"})
    if unknown:
        raise pytest.UsageError(
            "%s: options of `abeja-runtime test` are given to the command, or stand in abeja-runtime.toml"
            % ", ".join(unknown)
        )
    key = repr(sorted(options.items()))
    if key not in _abeja_clients:
        _abeja_clients[key] = HandlerClient(**options)
    return _abeja_clients[key]
