"""The pages of the two handler ABIs say of requests, answers and inputs what a handler finds."""

import re
from pathlib import Path

import pytest

from abeja.runtime.testing import HandlerClient

# A handler that answers with what it was given: its keys, in their order.
REPORT = """
import json


def handler(request, context):
    content = request["contents"][0]
    return {"content": json.dumps({"request": list(request), "content": list(content)})}


def nothing(request, context):
    return {}
"""
MIRROR = """
def handler(input_iter, context):
    for item in input_iter:
        yield [name for name in dir(context) if not name.startswith("_")]
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A model with handlers of both ABIs."""
    (tmp_path / "report.py").write_text(REPORT)
    (tmp_path / "mirror.py").write_text(MIRROR)
    return tmp_path


def test_request_of_19_04_has_the_keys_of_the_page_in_its_order(repository: Path, folder: Path) -> None:
    page = _page(repository, "19.04")
    with HandlerClient("report:handler", model_dir=folder, image_version="19.04", env="inherit") as client:
        found = client.post(json={}).json()

    assert re.findall(r"^\| `(\w+)` \|", _section(page, "The request"), re.MULTILINE) == found["request"]
    (sentence,) = re.findall(r"a mapping with the keys (.*?), and has", page, re.DOTALL)
    assert re.findall(r"`(\w+)`", sentence) == found["content"]


def test_answer_of_19_04_has_the_defaults_of_the_page(repository: Path, folder: Path) -> None:
    rows = dict(
        re.findall(r"^\| `(\w+)` \| .*? \| (.*?) \|$", _section(_page(repository, "19.04"), "The answer"), re.MULTILINE)
    )
    with HandlerClient("report:nothing", model_dir=folder, image_version="19.04", env="inherit") as client:
        answer = client.post(json={})

    assert set(rows) == {"status_code", "content_type", "metadata", "content"}
    assert rows["status_code"].startswith(str(answer.status))
    assert rows["content_type"] == f"`{answer.content_type}`"
    assert (rows["content"], answer.body) == ("empty", b"")


def test_18_10_takes_the_types_of_the_page_and_lists_them_for_any_other(repository: Path, folder: Path) -> None:
    table = re.findall(r"^\| (`\w+/.*?) \| ", _section(_page(repository, "18.10"), "The input"), re.MULTILINE)
    types = [name for row in table for name in re.findall(r"`(\w+/[\w-]+)`", row)]
    attributes = re.findall(r"^\| `(\w+)` \|", _section(_page(repository, "18.10"), "The context"), re.MULTILINE)
    with HandlerClient(
        "mirror:handler", model_dir=folder, image_version="18.10", env="inherit", raise_errors=False
    ) as client:
        refused = client.post(body=b"x", content_type="text/plain")
        taken = client.post(json={})

    assert refused.status == 415
    assert re.split(r", *", refused.headers["Accept"]) == types
    assert taken.json() == attributes


def _page(repository: Path, abi: str) -> str:
    return (repository / f"docs/reference/handler-abi-{abi}.md").read_text()


def _section(page: str, heading: str) -> str:
    (body,) = re.findall(rf"^## {heading}\n(.*?)(?=^##)", page, re.MULTILINE | re.DOTALL)
    return str(body)
