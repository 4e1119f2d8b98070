"""The client for tests that run on the server's Python."""

import difflib
from collections.abc import Mapping
from os import PathLike
from typing import Any

from abeja.runtime.config import resolve
from abeja.runtime.model import Model
from abeja.runtime.options import Options, rows
from abeja.runtime.prepare.environments import equip
from abeja.runtime.testing.handler_path import abeja_handler_testing as kit
from abeja.runtime.testing.handler_path.abeja_handler_testing.call import Call
from abeja.runtime.testing.settings import settings_of
from abeja.runtime.testing.worker_client import WorkerClient


class HandlerClient(kit.Client):
    """Calls a handler, in this process or in a worker.

    In this process, breakpoints, coverage and monkeypatching work, and what the handler raises is
    raised here. In a worker, it is the service without HTTP: another process, on the handler's own Python,
    with deadline and queue; what the handler raises is the answer 500, and the log has the traceback.

    Example::

        with HandlerClient("main:handler", model_dir="examples/tax", image_version="19.04") as client:
            answer = client.post(json=[{"price": 100, "quantity": 1}])
        assert answer.json() == {"total": 108.0}

    Args:
        handler: ``<module>:<function>``.
        worker: whether it runs in a worker.
        raise_errors: in this process, whether what the handler raises is raised here; otherwise it is
            printed on stderr and the answer is 500.
        options: as on the command line, with ``_`` for ``-``: ``model_dir``, ``image_version``,
            ``environment``, ``python``, ``timeout``, ``plugin``, ... What is not given comes from the
            environment and the configuration file, as always.

    Raises:
        TypeError: there is no such option.
        ConfigurationError, PluginError: something is missing or contradicts itself.
        HandlerLoadError, WorkerStartError: the worker does not start.
        RuntimeError: the handler does not load in this process.
    """

    def __init__(
        self, handler: str | None = None, *, worker: bool = False, raise_errors: bool = True, **options: Any
    ) -> None:
        configuration = resolve({"handler": handler, **_flags(options)})
        model = Model.configured(configuration)
        if worker:
            model = equip(model, configuration)
        self._client = client_of(model, worker=worker, raise_errors=raise_errors, options=configuration.options)
        super().__init__(self._client._settings)  # noqa: SLF001 (it stands in for that client)

    def _perform(self, call: Call) -> kit.Answer:
        return self._client._perform(call)  # noqa: SLF001 (it stands in for that client)

    def _release(self) -> None:
        self._client.close()


def client_of(model: Model, *, worker: bool, raise_errors: bool = True, options: Options | None = None) -> kit.Client:
    """A client for a model as it is; see `HandlerClient`."""
    options = options or Options()
    settings = settings_of(model, strip_headers=options.strip_headers)
    if not worker:
        return kit.HandlerClient(raise_errors=raise_errors, settings=settings)
    return WorkerClient(model, settings=settings, startup_timeout_s=options.startup_timeout, timeout_s=options.timeout)


def _flags(options: Mapping[str, Any]) -> dict[str, Any]:
    known = [*rows(), "config"]
    for name in options:
        if name not in known:
            near = difflib.get_close_matches(name, known, n=1)
            raise TypeError(f"HandlerClient has no option '{name}'" + (f"; did you mean '{near[0]}'?" if near else ""))
    return {name: _text(value) for name, value in options.items()}


def _text(value: Any) -> Any:
    """Paths as text, as on the command line."""
    if isinstance(value, PathLike):
        return str(value)
    return [_text(item) for item in value] if isinstance(value, list | tuple) else value
