"""What a handler ABI promises."""

import os
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import ModuleType
from typing import Any

from attrs import field, frozen

from abeja.runtime.errors import HandlerLoadError
from abeja.runtime.model import Model
from abeja.runtime.plugins import Plugins
from abeja.runtime.prepare.interpreters import Interpreter, server_interpreter
from abeja.runtime.review.definition import find_definition
from abeja.runtime.review.finding import Level, Review
from abeja.runtime.scaffold import write_model
from abeja.runtime.testing.client import client_of
from abeja.runtime.testing.handler_path.abeja_handler_testing.worker_modules import services
from abeja.runtime.testing.plugin_contract import Parameters, numbered, raised_by, value_of
from abeja.runtime.testing.worker_half_contract import WorkerHalfContract
from abeja.runtime.types import Encoder, Image

_FIRST_ERROR = 400
_TOKEN = re.compile(r"[A-Z]+")


@frozen(kw_only=True)
class Exchange:
    """A handler, a request and the answer to it.

    Attributes:
        handler: the source of a module with a function `handler`, in the syntax of Python 3.6.
        request: what `HandlerClient.request` takes, `method` and `path` included; a POST of nothing without it.
        status: of the answer.
        body: of the answer; None if it is not looked at.
        content_type: of the answer; None if it is not looked at.
        headers: among those of the answer.
    """

    handler: str
    request: Mapping[str, Any] = field(factory=dict)
    status: int = 200
    body: bytes | None = None
    content_type: str | None = None
    headers: Mapping[str, str] = field(factory=dict)


class AbiContract(WorkerHalfContract):
    r"""What a handler ABI promises.

    Example::

        class TestEvent(AbiContract):
            plugin = event_abi
            samples = [
                Exchange(
                    handler="def handler(event):\n    return event['a']\n",
                    request={"json": {"a": 1}},
                    content_type="application/json",
                    body=b"1",
                ),
            ]

    Attributes:
        samples: handlers of the ABI, with requests and answers.
        encoders: that the handlers' answers need, in their order: names of installed ones, or modules of plugins.
        template_handler: the handler of the ABI's template, if it has one.
    """

    kind = "abi"
    class_name = "Adapter"
    methods = ("call",)
    samples: Sequence[Exchange] = ()
    encoders: Sequence[str | ModuleType] = ()
    template_handler: str = "main:handler"

    def parameters(self) -> Parameters:
        """See `PluginContract`."""
        return {**super().parameters(), "exchange": numbered(self.samples)}

    def test_it_has_samples(self) -> None:
        """Without any, no handler would be called."""
        assert self.samples, "the class attribute `samples` has handlers with requests and answers"

    def test_its_methods_are_those_of_http(self) -> None:
        """As they stand in requests."""
        assert self.value.methods, "no request reaches the handler"
        assert all(_TOKEN.fullmatch(method) for method in self.value.methods), sorted(self.value.methods)

    def test_what_cannot_be_called_is_refused_with_the_reason(self) -> None:
        """When the handler is loaded, rather than with the first request."""
        for value in (None, 5, "handler", object()):
            error = raised_by(self.worker_class(), value, services.Services([], "0"))
            assert isinstance(error, ValueError), f"{value!r}: expected a ValueError, found {error!r}"
            assert str(error).strip(), "the ValueError does not say why"

    def test_a_worker_names_what_it_refuses(self, tmp_path: Path) -> None:
        """The server ends with `handler-refused`."""
        model = self.model("handler = 5\n", server_interpreter(), tmp_path)

        error = raised_by(client_of, model, worker=True)

        assert isinstance(error, HandlerLoadError), f"expected handler-refused, found {error!r}"
        assert error.name == "handler-refused", error.report()

    def test_its_review_has_nothing_against_a_handler_that_answers(self, exchange: Exchange, tmp_path: Path) -> None:
        """``abeja-runtime check`` raises no false alarm; an ABI need not have a review."""
        (tmp_path / "main.py").write_text(exchange.handler, encoding="utf-8")
        code = find_definition(tmp_path, "main:handler").code
        if self.value.review is None or code is None or exchange.status >= _FIRST_ERROR:
            return
        review = self.value.review(code)
        assert isinstance(review, Review), f"expected a Review, found {review!r}"
        assert not review.obstacles, f"it says that the handler is for another ABI: {review.obstacles}"
        errors = [finding for finding in review.findings if finding.level is Level.ERROR]
        assert not errors, f"it finds errors in a handler that answers {exchange.status}: {errors}"

    def test_an_exchange_in_this_process(self, exchange: Exchange, tmp_path: Path) -> None:
        """The adapter's reply is complete, and what HTTP can carry."""
        model = self.model(exchange.handler, server_interpreter(), tmp_path)
        with client_of(model, worker=False, raise_errors=False) as client:
            _compare(exchange, client)

    def test_an_exchange_in_a_worker(self, exchange: Exchange, python: Interpreter, tmp_path: Path) -> None:
        """On each Python of this machine, and twice: a worker serves many requests."""
        with client_of(self.model(exchange.handler, python, tmp_path), worker=True) as client:
            for _ in range(2):
                _compare(exchange, client)

    def test_its_template_answers_its_request(self, python: Interpreter, tmp_path: Path) -> None:
        """What ``abeja-runtime init`` writes works on each Python; an ABI need not have a template."""
        if self.value.template is None:
            return
        paths = write_model(self.value.template, tmp_path / "new")
        (request,) = [path for path in paths if path.stem == "request"]
        model = self.served(tmp_path / "new", self.template_handler, python)
        with client_of(model, worker=True) as client:
            answer = client.post(file=request)
        assert answer.status < _FIRST_ERROR, f"its own request is answered {answer!r}"

    def model(self, handler: str, python: Interpreter, folder: Path) -> Model:
        """A handler of this ABI, written into `folder`."""
        (folder / "main.py").write_text(handler, encoding="utf-8")
        return self.served(folder, "main:handler", python)

    def served(self, folder: Path, handler: str, python: Interpreter) -> Model:
        """The handler of this ABI that is in `folder`."""
        abi = self.value
        return Model(
            folder=folder,
            handler=handler,
            image=Image(name="contract", abi=abi.name, encoders=()),
            abi=abi,
            encoders=tuple(_encoder(encoder) for encoder in self.encoders),
            python=python.path,
            environment={**os.environ, "HANDLER": handler, "ABEJA_TRAINING_RESULT_DIR": str(folder / "result")},
        )


def _compare(exchange: Exchange, client: Any) -> None:
    asked = {"method": "POST", **exchange.request}
    answer = client.request(asked.pop("method"), asked.pop("path", "/"), **asked)
    assert answer.status == exchange.status, repr(answer)
    if exchange.content_type is not None:
        assert answer.content_type == exchange.content_type
    if exchange.body is not None:
        assert answer.body == exchange.body, f"expected {exchange.body!r}, found {answer.body!r}"
    for name, value in exchange.headers.items():
        assert answer.headers.get(name) == value, f"{name}: expected {value!r}, found {answer.headers.get(name)!r}"


def _encoder(encoder: str | ModuleType) -> Encoder:
    if isinstance(encoder, str):
        return Plugins.installed().encoder(encoder, asked_by="the attribute `encoders`")
    found: Encoder = value_of(encoder, "encoder")
    return found
