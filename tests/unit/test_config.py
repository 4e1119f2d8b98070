"""Where options come from, and which wins."""

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from abeja.runtime.config import Configuration, Layer, resolve
from abeja.runtime.errors import (
    AbiUnknownError,
    ConfigFileInvalidError,
    ConfigurationError,
    ImageInvalidError,
    ImageUnknownError,
    ModelFolderMissingError,
    OptionInvalidError,
)
from abeja.runtime.model import Model

Resolve = Callable[..., Configuration]


@pytest.fixture
def resolved(tmp_path: Path) -> Resolve:
    """Resolves options for a model folder with the file given: ``resolved(flags, environ, file="...")``."""

    def resolve_in_folder(flags: dict[str, Any] | None = None, *, file: str = "", **environ: str) -> Configuration:
        if file:
            (tmp_path / "abeja-runtime.toml").write_text(file)
        return resolve({"model_dir": str(tmp_path), **(flags or {})}, environ=environ)

    return resolve_in_folder


FILE = """
[server]
port = 3
[model]
image_version = "mine"
[image.mine]
abi = "19.04"
encoders = ["json"]
options = {port = 4, timeout = 5}
"""


def test_flag_wins_over_environment_over_file_over_image_over_built_in(resolved: Resolve) -> None:
    def origin(configuration: Configuration, name: str) -> tuple[Any, str]:
        setting = configuration.settings[name]
        return setting.value, setting.origin.split()[0]

    assert origin(resolved(), "port") == (5000, "built-in")
    assert origin(resolved(file=FILE.replace("[server]\nport = 3", "")), "port") == (4, "image")
    assert origin(resolved(file=FILE), "port") == (3, "file")
    assert origin(resolved(file=FILE, PORT="2"), "port") == (2, "environment")
    assert origin(resolved({"port": "1"}, file=FILE, PORT="2"), "port") == (1, "flag")
    assert origin(resolved(file=FILE), "timeout") == (5.0, "image")


def test_an_empty_variable_is_unset(resolved: Resolve) -> None:
    assert resolved(PORT="").options.port == 5000


def test_a_value_that_does_not_win_is_not_looked_at(resolved: Resolve) -> None:
    assert resolved({"port": "5"}, PORT="nonsense").options.port == 5


def test_an_image_may_give_options_alone(resolved: Resolve) -> None:
    configuration = resolved({"image_version": "20.10"}, file='[image."20.10"]\noptions = {timeout = 120}\n')

    assert configuration.options.timeout == 120.0


def test_a_command_has_defaults_of_its_own(tmp_path: Path) -> None:
    configuration = resolve({"model_dir": str(tmp_path)}, environ={}, defaults={"timeout": None})

    assert configuration.settings["timeout"].layer is Layer.BUILT_IN
    assert configuration.options.timeout is None


def test_an_image_of_a_name_wins_over_an_alias(resolved: Resolve) -> None:
    file = '[image."0.1.0"]\nabi = "19.04"\nencoders = ["json"]\n'

    assert resolved({"image_version": "0.1.0"}, file=file).require_image().name == "0.1.0"


def test_variables_for_the_handler_are_merged(resolved: Resolve) -> None:
    configuration = resolved({"environment": ("A:flag", "B:flag")}, file='[model.env]\nA = "file"\nC = "file"\n')

    assert configuration.options.environment == {"A": "flag", "B": "flag", "C": "file"}


def test_pyproject_is_read_when_there_is_no_file_of_our_own(resolved: Resolve, tmp_path: Path) -> None:
    (tmp_path / "pyproject.toml").write_text("[tool.abeja-runtime.server]\nport = 7\n")
    assert resolved().options.port == 7
    assert "[tool.abeja-runtime]" in resolved().settings["port"].origin
    assert resolved(file="[server]\nport = 8\n").options.port == 8


def test_a_file_may_begin_with_a_byte_order_mark(resolved: Resolve) -> None:
    assert resolved(file="\ufeff[server]\nport = 7\n").options.port == 7


def test_a_folder_in_the_place_of_the_file_is_an_error(resolved: Resolve, tmp_path: Path) -> None:
    (tmp_path / "abeja-runtime.toml").mkdir()

    with pytest.raises(ConfigFileInvalidError, match=r"abeja-runtime\.toml cannot be read as TOML: Is a directory"):
        resolved()


@pytest.mark.parametrize(
    "table",
    [
        '[image."our.1"]\nbase = "19.04"\noptions = { timeout = "x" }\n',
        '[image."our.1"]\nbase = "19.04"\n[image."our.1".options]\ntimeout = "x"\n',
    ],
)
def test_a_bad_option_of_an_image_is_named_with_its_line(resolved: Resolve, tmp_path: Path, table: str) -> None:
    with pytest.raises(OptionInvalidError) as caught:
        resolved({"image_version": "our.1"}, file=table)

    report = caught.value.report()
    assert f'{tmp_path / "abeja-runtime.toml"}: [image."our.1"] options.timeout: expected a positive' in report
    assert re.search(r"^> \d \| .*timeout = ", report, re.MULTILINE)


def test_an_explicit_file_must_exist(resolved: Resolve, tmp_path: Path) -> None:
    with pytest.raises(ConfigFileInvalidError, match="there is no configuration file"):
        resolved({"config": str(tmp_path / "missing.toml")})


@pytest.mark.parametrize(
    ("file", "error", "message"),
    [
        ("[server", ConfigFileInvalidError, "cannot be read as TOML"),
        ("[server]\nprot = 1\n", ConfigFileInvalidError, "Did you mean port?"),
        ("[sever]\nport = 1\n", ConfigFileInvalidError, "Did you mean server?"),
        ("server = 1\n", ConfigFileInvalidError, "expected a table"),
        ('image = "abeja/all-cpu:19.04"\n', ConfigFileInvalidError, "stand in [model]"),
        ('[image."19.04".options]\ntimout = 1\n', ImageInvalidError, "timout is not an option of an image"),
        ('[image."19.04".options]\nblock = "x"\n', ImageInvalidError, "block is not an option of an image"),
        ('[image."19.04".provided]\nnumpy = "numpy"\n', ImageInvalidError, "provided is not a field of an image"),
        ('[image."19.04".provides]\nnumpy = 1\n', ImageInvalidError, "expected a requirement, or a list of them"),
        ("[server]\nport = 99999\n", OptionInvalidError, "expected a port number"),
        ("[model]\nimage_version = 18.10\n", OptionInvalidError, "a bare 18.10 is 18.1"),
        ('[image.18.10]\nabi = "18.10"\n', ImageInvalidError, "not a table of fields"),
        ('[image."30.01"]\nabi = "19.04"\n', ImageInvalidError, "needs the fields abi and encoders, or a base"),
        ('[image."19.04"]\nbase = 1\n', ImageInvalidError, "base: expected text"),
        ('[image."19.04"]\nabi = 19.04\n', ImageInvalidError, "expected text, found the number"),
        ('[image."19.04"]\nencoders = "json"\n', ImageInvalidError, "expected an array of text, found 'json'"),
        ('[image."19.04"]\nencoders = [1]\n', ImageInvalidError, "expected an array of text"),
        ('[image."19.04"]\noptions = 1\n', ImageInvalidError, "options: expected a table, found 1"),
        ('[image."19.04"]\nreleased = "x"\n', ImageInvalidError, "expected a date such as 2019-05-01, found 'x'"),
        ('[image."19.04"]\nreleased = 2019-05-01T10:00:00\n', ImageInvalidError, "found 2019-05-01 10:00:00"),
        ("[packages]\nas_of = 2019-05-01T10:00:00\n", OptionInvalidError, "found 2019-05-01 10:00:00"),
        ("[model]\nenv = { B = true }\n", OptionInvalidError, "> 2 | env = { B = true }"),
        ('[server]\nstrip_headers = ["X-Secret:"]\n', OptionInvalidError, "found 'X-Secret:'"),
        ('[image."19.04"]\nencoder = []\n', ImageInvalidError, "encoder is not a field"),
    ],
)
def test_mistakes_in_the_file_are_named(
    resolved: Resolve, file: str, error: type[ConfigurationError], message: str
) -> None:
    with pytest.raises(error) as caught:
        resolved(file=file)
    assert message in caught.value.report()


@pytest.mark.parametrize(
    ("reference", "name"),
    [
        ("abeja/all-cpu:19.04", "19.04"),
        ("abeja-inc/minimal:19.10", "19.10"),
        ("deepgpu:0.1.0", "18.10"),
        ("abeja/x:0.1.0-arm64v8", "18.10"),
        ("abeja/all-cpu:20.02a", "20.02"),
        ("abeja/all-cpu:19.07", "19.04"),
        ("abeja/all-cpu:31.12", "20.10"),
        ("abeja/all-cpu:latest", "latest"),
    ],
)
def test_an_image_selects_its_version_or_the_newest_before_it(resolved: Resolve, reference: str, name: str) -> None:
    assert resolved({"image": reference}).require_image().name == name


@pytest.mark.parametrize("version", ["17.01", "nightly", "19", "19.4", ""])
def test_older_and_unparsable_versions_are_errors_with_the_known_ones(resolved: Resolve, version: str) -> None:
    expected = ImageUnknownError if version else OptionInvalidError
    with pytest.raises(expected, match=r"Known: 18\.10, 19\.04, 19\.10, 20\.02, 20\.10, latest"):
        resolved({"image_version": version} if version else {}).require_image()


@pytest.mark.parametrize("reference", ["all-cpu", "a:b:19.04", ":19.04", "abeja/all-cpu:"])
def test_an_image_is_repository_and_tag(resolved: Resolve, reference: str) -> None:
    with pytest.raises(OptionInvalidError, match="invalid image and tag format"):
        resolved({"image": reference})


def test_image_and_version_must_agree(resolved: Resolve) -> None:
    with pytest.raises(OptionInvalidError, match="contradict"):
        resolved({"image": "abeja/all-cpu:19.04", "image_version": "20.10"})
    assert resolved({"image": "abeja/all-cpu:19.04", "image_version": "19.04"}).require_image().name == "19.04"
    assert resolved({"image": "a/b:19.04"}, ABEJA_RUNTIME_IMAGE_VERSION="20.10").require_image().name == "19.04"
    assert resolved({"image_version": "20.10"}, ABEJA_RUNTIME_IMAGE="a/b:19.04").require_image().name == "20.10"


def test_fields_of_a_known_image_can_be_overridden(resolved: Resolve) -> None:
    image = resolved({"image_version": "19.04"}, file='[image."19.04"]\nencoders = ["json"]\n').require_image()

    assert (image.abi, image.encoders) == ("19.04", ("json",))
    assert "abeja-runtime.toml" in image.origin


def test_a_model_needs_its_abi(resolved: Resolve) -> None:
    with pytest.raises(AbiUnknownError, match=r'image "x"'):
        Model.configured(resolved({"image_version": "x"}, file='[image.x]\nabi = "x"\nencoders = []\n'))


def test_a_file_is_no_folder_of_a_model(resolved: Resolve, tmp_path: Path) -> None:
    (tmp_path / "main.py").touch()

    with pytest.raises(ModelFolderMissingError, match=r"main\.py is a file"):
        Model.configured(resolved({"model_dir": str(tmp_path / "main.py"), "image_version": "19.04"}))


def test_the_training_result_folder_is_absolute_for_the_handler(resolved: Resolve, tmp_path: Path) -> None:
    def folder(**environ: str) -> str:
        model = Model.configured(resolved({"image_version": "19.04"}), environ=environ)
        return model.environment["ABEJA_TRAINING_RESULT_DIR"]

    assert folder() == str(tmp_path / "abejainc_training_result")
    assert folder(ABEJA_TRAINING_RESULT_DIR="results") == str(tmp_path / "results")
    assert folder(ABEJA_TRAINING_RESULT_DIR="/results") == "/results"


def test_identity_headers_are_those_whose_variables_are_set(resolved: Resolve) -> None:
    configuration = resolved({"image_version": "19.04", "environment": ("ABEJA_MODEL_ID:7",)})
    model = Model.configured(configuration, environ={"ABEJA_SERVICE_ID": "s", "ABEJA_DEPLOYMENT_ID": ""})

    assert model.identity_headers == (("X-Abeja-Model-Id", "7"), ("X-Abeja-Service-Id", "s"))


def test_identity_headers_are_what_headers_can_carry(resolved: Resolve) -> None:
    variables = {"ABEJA_MODEL_ID": "7\n", "ABEJA_SERVICE_ID": "a\nb"}
    model = Model.configured(resolved({"image_version": "19.04"}), environ=variables)

    assert model.identity_headers == (("X-Abeja-Model-Id", "7"),)


BASED = """
[image.b]
base = "a"
encoders = ["file"]
[image.a]
base = "19.04"
python = "3.7"
options = {timeout = 5}
aliases = ["aa"]
"""


def test_what_is_added_to_a_known_image_does_not_take_the_rest_away(resolved: Resolve) -> None:
    known = resolved({"image_version": "19.04"}).require_image()
    file = (
        '[image."19.04".provides]\nours = "ours"\nnumpy = []\n[image.mine]\nbase = "19.04"\nprovides = {two = "two"}\n'
    )

    image = resolved({"image_version": "19.04"}, file=file).require_image()
    derived = resolved({"image_version": "mine"}, file=file).require_image()

    assert image.provides == {**known.provides, "ours": ("ours",), "numpy": ()}
    assert derived.provides == {**image.provides, "two": ("two",)}


def test_what_the_user_changes_in_a_built_in_image_is_in_no_other_built_in_one(resolved: Resolve) -> None:
    file = '[image."20.10"]\nencoders = ["json"]\n[image.latest.provides]\nours = "ours"\n'

    image = resolved({"image_version": "19.04"}, file=file).require_image()

    assert image == resolved({"image_version": "19.04"}).require_image()


def test_an_image_has_what_it_does_not_say_from_its_base(resolved: Resolve) -> None:
    origin = resolved({"image_version": "19.04"}).require_image()

    image = resolved({"image_version": "b"}, file=BASED).require_image()

    assert (image.name, image.abi, image.encoders, image.python) == ("b", "19.04", ("file",), "3.7")
    assert (image.released, image.provides, image.aliases) == (origin.released, origin.provides, ())
    assert image.options == {"timeout": 5}


def test_what_the_user_changes_in_a_base_is_in_its_images_too(resolved: Resolve) -> None:
    file = '[image.mine]\nbase = "19.04"\n[image."19.04"]\nencoders = ["msgpack", "json"]\n'

    assert resolved({"image_version": "mine"}, file=file).require_image().encoders == ("msgpack", "json")


@pytest.mark.parametrize(
    ("file", "message"),
    [
        ('[image.a]\nbase = "b"\n[image.b]\nbase = "a"\n', "is based on it: a -> b -> a"),
        ('[image.a]\nbase = "a"\n', "is based on it: a -> a"),
        ('[image.a]\nbase = "18.01"\n', "based on '18.01', which is not known"),
    ],
)
def test_an_image_without_a_usable_base_is_an_error_when_it_is_asked_for(
    resolved: Resolve, file: str, message: str
) -> None:
    assert resolved({"image_version": "19.04"}, file=file).require_image().name == "19.04"
    with pytest.raises(ImageInvalidError, match=re.escape(message)):
        resolved({"image_version": "a"}, file=file)


def test_an_image_gives_variables_to_the_handler_as_env(resolved: Resolve) -> None:
    file = '[model.env]\nA = "file"\n[image.mine]\nbase = "19.04"\noptions = {env = {A = "image", B = "image"}}\n'

    options = resolved({"image_version": "mine"}, file=file).options

    assert options.environment == {"A": "file", "B": "image"}
    assert options.env == resolved().options.env
