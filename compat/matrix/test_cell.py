"""One cell of the matrix: recorded pairs and documented handlers of every image version."""

from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from abeja.runtime.images import Images
from abeja.runtime.types import Image
from compat import expected, server, worker_socket
from compat.matrix import examples, worker
from compat.outcomes import Failure, Outcome
from compat.plays import Plays
from compat.vectors import Vector, vectors_19_04

# The first run of an example builds an environment from the package index.
pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]

IMAGES = [image for image in Images() if image.abi in examples.BY_ABI]
EXAMPLES = [(image, example) for image in IMAGES for example in examples.BY_ABI[image.abi]]
VECTORS = vectors_19_04()
VECTORS_IMAGE = "19.04"


@pytest.fixture(scope="module")
def plays(selected: list[dict[str, Any]], tmp_path_factory: pytest.TempPathFactory) -> Iterator[Plays[list[Outcome]]]:
    vectors = [params["vector"] for params in selected if "vector" in params] if worker.is_here() else []
    folder = tmp_path_factory.mktemp("numpy")

    def play(vector: Vector) -> list[Outcome]:
        python = worker.python_with_numpy(folder) if vector.pair.needs_numpy else worker.python()
        return worker_socket.play(vector.pair, python=str(python))

    with Plays((vector.pair.name, partial(play, vector)) for vector in vectors) as plays:
        yield plays


@pytest.mark.parametrize("vector", VECTORS, ids=str)
def test_worker_answers_as_recorded(
    vector: Vector, plays: Plays[list[Outcome]], request: pytest.FixtureRequest
) -> None:
    request.node.user_properties.append(("image", VECTORS_IMAGE))
    [outcome] = plays[vector.pair.name]
    wanted = expected.of_worker(vector)
    if wanted is None:
        assert isinstance(outcome, Failure)
    else:
        assert outcome == wanted


@pytest.mark.parametrize(
    ("image", "example"), EXAMPLES, ids=[f"{image.name}-{example.name}-{example.status}" for image, example in EXAMPLES]
)
def test_documented_handler_answers(
    image: Image, example: examples.Example, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    request.node.user_properties.append(("image", image.name))
    folder = example.copy_to(tmp_path, worker=worker.VERSION)
    # Whatever is built is built before the server has to be healthy.
    python = worker.installed(folder, image.name)
    temporary = tmp_path / "tmp"
    temporary.mkdir()

    with server.serving(folder, *worker.options(image.name), temporary=temporary, log=tmp_path / "log") as port:
        answer = server.send(port, example.request)

    assert answer.status == example.status, answer.body
    assert [value.partition(";")[0] for value in answer.values("content-type")] == [example.content_type]
    example.check(folder, answer.body, python)
