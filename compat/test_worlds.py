"""Handlers of 2019 on the Python and the packages of 2019, unchanged; packages come from the index."""

import io
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageChops, ImageOps

from compat import pythons

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]

EXAMPLES = Path(__file__).parents[1] / "examples"
VERSIONS = (
    "import sys, cv2, numpy, PIL, json; "
    "print(json.dumps([list(sys.version_info[:3]), cv2.__version__, numpy.__version__, PIL.__version__]))"
)
PIPFILE = '[packages]\npillow = "==6.0.0"\n\n[requires]\npython_version = "3.6"\n'
# How a training of that time saved its result.
TRAIN = """
import sys, keras, numpy
model = keras.models.Sequential([keras.layers.Dense(2, activation="softmax", input_shape=(3,))])
model.layers[0].set_weights([numpy.zeros((3, 2)), numpy.log([0.25, 0.75])])
model.compile("sgd", "categorical_crossentropy")
model.save(sys.argv[1])
print(keras.__version__)
"""
KERAS_HANDLER = """
import json
import os

import numpy as np
from keras.models import load_model

model = load_model(os.path.join(os.environ.get("ABEJA_TRAINING_RESULT_DIR", "."), "model.h5"))
model._make_predict_function()


def handler(request, context):
    rows = np.array(json.load(request))
    answers = [
        {"label": int(row.argmax()), "probability": round(float(row.max()), 4)}
        for row in model.predict(rows)
    ]
    return {
        "status_code": 200,
        "content_type": "application/json",
        "content": json.dumps(answers),
    }
"""

SDK_HANDLER = """
import sys
import abeja.datalake
from abeja.datalake import Client

def handler(request, context):
    content = {"python": sys.version_info[:2], "module": abeja.datalake.__name__, "client": Client.__name__}
    return {"content_type": "application/json", "content": content}
"""
# The names of what runs the server, in versions of long before it.
OLD_PINS = {"tornado": "4.5.3", "attrs": "17.4.0", "pluggy": "0.6.0", "click": "6.7"}
OLD_PINS_HANDLER = """
import attr, click, pluggy, tornado

def handler(request, context):
    content = {"tornado": tornado.version, "attrs": attr.__version__, "pluggy": pluggy.__version__}
    return {"content_type": "application/json", "content": dict(content, click=click.__version__)}
"""

Runtime = Callable[..., bytes]


@pytest.fixture
def runtime(tmp_path: Path) -> Runtime:
    """Runs abeja-runtime as its users do, with a cache of its own."""
    pythons.require("3.6")
    variables = {**os.environ, "ABEJA_RUNTIME_ENV": "auto", "XDG_CACHE_HOME": str(tmp_path / "cache")}

    def run(*arguments: str | Path) -> bytes:
        command = [sys.executable, "-m", "abeja.runtime", *arguments]
        done = subprocess.run(command, env=variables, capture_output=True, check=False)
        assert done.returncode == 0, done.stderr.decode()
        return done.stdout

    return run


@pytest.mark.parametrize("pipfile", [None, PIPFILE], ids=["requirements.txt", "Pipfile"])
def test_flip_runs_on_the_packages_of_its_day(runtime: Runtime, tmp_path: Path, pipfile: str | None) -> None:
    model = shutil.copytree(EXAMPLES / "flip", tmp_path / "flip")
    if pipfile is not None:
        (model / "requirements.txt").unlink()
        (model / "Pipfile").write_text(pipfile)
    options = ("--image", "abeja/all-cpu:19.04", "--handler", "main:handler", "--model-dir", model)

    python = runtime("install", *options).decode().strip()
    answer = runtime("run-local", *options, "--input", model / "cat.jpg", "--quiet")

    versions = json.loads(subprocess.check_output([python, "-c", VERSIONS]))
    assert versions[0][:2] == [3, 6]
    assert versions[1:] == ["4.1.0", "1.16.3", "6.0.0"]
    with Image.open(io.BytesIO(answer)) as flipped, Image.open(model / "cat.jpg") as original:
        assert flipped.format == "JPEG"
        difference = ImageChops.difference(ImageOps.mirror(original).convert("RGB"), flipped)
        # JPEG loses a little each time.
        assert np.asarray(difference).mean() < 4


def test_keras_handler_loads_a_model_that_keras_saved_then(runtime: Runtime, tmp_path: Path) -> None:
    model = tmp_path / "model"
    result = model / "abejainc_training_result"
    result.mkdir(parents=True)
    (model / "main.py").write_text(KERAS_HANDLER)
    (model / "input.json").write_text("[[1, 2, 3], [4, 5, 6]]")
    options = ("--image", "abeja/all-cpu:19.04", "--model-dir", model)
    python = runtime("install", *options).decode().strip()
    trained = subprocess.check_output([python, "-c", TRAIN, result / "model.h5"], stderr=subprocess.DEVNULL)
    assert trained == b"2.2.4\n"

    answer = runtime("run-local", *options, "--input", model / "input.json", "--quiet")

    assert json.loads(answer) == [{"label": 1, "probability": 0.75}] * 2


@pytest.mark.parametrize("version", ["3.6", "3.11"])
def test_handlers_import_abeja_sdk_although_the_server_is_in_a_package_of_that_name(
    runtime: Runtime, tmp_path: Path, version: str
) -> None:
    pythons.require(version)
    (tmp_path / "main.py").write_text(SDK_HANDLER)
    (tmp_path / "requirements.txt").write_text("abeja-sdk\n")
    (tmp_path / "input.json").write_text("{}")

    answer = runtime(
        *("run-local", "--image", "abeja/all-cpu:19.04", "--python", version, "--model-dir", tmp_path),
        *("--input", tmp_path / "input.json", "--quiet"),
    )

    python = [int(part) for part in version.split(".")]
    assert json.loads(answer) == {"python": python, "module": "abeja.datalake", "client": "Client"}


def test_handlers_may_pin_old_versions_of_what_the_server_needs(runtime: Runtime, tmp_path: Path) -> None:
    (tmp_path / "main.py").write_text(OLD_PINS_HANDLER)
    (tmp_path / "requirements.txt").write_text("".join(f"{name}=={version}\n" for name, version in OLD_PINS.items()))
    (tmp_path / "input.json").write_text("{}")

    answer = runtime(
        *("run-local", "--image", "abeja/all-cpu:19.04", "--model-dir", tmp_path),
        *("--input", tmp_path / "input.json", "--quiet"),
    )

    assert json.loads(answer) == OLD_PINS
