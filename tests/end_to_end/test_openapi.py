"""``/openapi.json`` is valid OpenAPI, and true."""

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from openapi_spec_validator import validate

from abeja.runtime.errors import RequestError
from tests.end_to_end.conftest import RunningServer

HANDLER_FOLDER = "echo"

Start = Callable[..., RunningServer]


@pytest.fixture
def described(shared: RunningServer) -> Any:
    """The document."""
    reply = shared.request("GET", "/openapi.json", port=shared.health_port)
    assert (reply.status, reply.headers["content-type"]) == (200, "application/json")
    return reply.json()


def test_description_is_valid(described: Any) -> None:
    validate(described)


def test_description_of_18_10_is_valid_and_names_what_that_abi_takes(start: Start, repository: Path) -> None:
    folder = repository / "examples/mean_colour"
    server = start("--image-version", "18.10", "--model-dir", folder).wait_until_ready()

    described = server.request("GET", "/openapi.json", port=server.health_port).json()

    validate(described)
    assert described["paths"]["/"].keys() == {"post", "put", "patch"}
    refused = server.request(body=b"x", headers={"Content-Type": "text/plain"})
    assert refused.status == 415
    assert list(described["paths"]["/"]["post"]["requestBody"]["content"]) == refused.json()["supported"]


def test_description_names_the_types_that_the_abi_takes_and_the_encoders_give(described: Any) -> None:
    operation = described["paths"]["/"]["post"]

    assert {"application/json", "multipart/form-data", "*/*"} == operation["requestBody"]["content"].keys()
    assert {"application/json", "text/csv", "image/png", "*/*"} <= operation["responses"]["200"]["content"].keys()
    assert "requestBody" not in described["paths"]["/"]["get"]


def test_description_has_every_status_of_the_servers_own(described: Any) -> None:
    own = {str(error.status) for error in RequestError.__subclasses__()}

    assert described["components"]["responses"].keys() == own
    assert own < described["paths"]["/"]["post"]["responses"].keys()


def test_description_says_where_the_service_is(described: Any, shared: RunningServer) -> None:
    (server,) = described["servers"]

    assert server["url"] == f"http://127.0.0.1:{shared.port}"
    reply = shared.request("GET", "/livez", port=shared.health_port)
    assert described["paths"]["/livez"]["servers"][0]["url"] == "/"
    assert reply.status == 200


def test_answers_are_as_they_are_described(described: Any, shared: RunningServer) -> None:
    good = shared.request(body=b"{}", headers={"Content-Type": "application/json"})
    refused = shared.request("OPTIONS", body=b"")

    operation = described["paths"]["/"]["post"]
    assert good.headers["content-type"] in operation["responses"]["200"]["content"]
    assert {name.lower() for name in operation["responses"]["200"]["headers"]} <= good.headers.keys()
    problem = described["components"]["schemas"]["Problem"]
    assert set(problem["required"]) <= json.loads(refused.body).keys() <= set(problem["properties"])
    assert {name.lower() for name in described["components"]["responses"]["405"]["headers"]} <= refused.headers.keys()
    health = shared.request("GET", "/health_check")
    schema = described["paths"]["/health_check"]["get"]["responses"]["200"]["content"]["application/json"]["schema"]
    assert health.json()["status"] == schema["properties"]["status"]["const"]


def test_ids_of_requests_are_taken_as_described(described: Any, shared: RunningServer) -> None:
    for parameter in described["paths"]["/"]["post"]["parameters"]:
        assert re.fullmatch(parameter["schema"]["pattern"], "my-id!~")
        assert shared.request(body=b"{}", headers={parameter["name"]: "my-id!~"}).headers["x-request-id"] == "my-id!~"
