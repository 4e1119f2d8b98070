"""What is served: a handler in a folder, with its contract and its interpreter."""

import os
import sys
from collections.abc import Mapping
from pathlib import Path

from attrs import frozen

from abeja.runtime.config import Configuration
from abeja.runtime.errors import ModelFolderMissingError
from abeja.runtime.prepare.working_directory import working_directory
from abeja.runtime.types import Abi, Encoder, Image
from abeja.runtime.worker.sendable import is_field_value

TRAINING_RESULT_VARIABLE = "ABEJA_TRAINING_RESULT_DIR"
# The vendor's default, relative to the model's folder.
TRAINING_RESULT_FOLDER = "abejainc_training_result"

# Where the vendor's SDK keeps what it downloads, under the user's home.
_STORAGE_FOLDER = Path(".abeja", ".cache")

# Response header -> the variable whose value it carries, when that is set.
_IDENTITY = {
    "X-Abeja-Model-Id": "ABEJA_MODEL_ID",
    "X-Abeja-Model-Version": "ABEJA_MODEL_VERSION",
    "X-Abeja-Deployment-Id": "ABEJA_DEPLOYMENT_ID",
    "X-Abeja-Service-Id": "ABEJA_SERVICE_ID",
}


@frozen(kw_only=True)
class Model:
    """A handler and everything that a worker needs to run it.

    Attributes:
        folder: absolute; the worker's current folder and the first entry of its sys.path.
        handler: ``<module>:<function>``.
        image: the image version.
        abi: the handler ABI of the image version.
        encoders: the encoders of the image version, in its order.
        python: path of the worker's interpreter.
        environment: the worker's complete environment.
        read_at_start: files that say which packages are in its environment.
        environment_s: how long it took to prepare the interpreter and the packages.
    """

    folder: Path
    handler: str
    image: Image
    abi: Abi
    encoders: tuple[Encoder, ...]
    python: Path
    environment: Mapping[str, str]
    read_at_start: tuple[Path, ...] = ()
    environment_s: float = 0.0

    @classmethod
    def configured(cls, configuration: Configuration, *, environ: Mapping[str, str] = os.environ) -> "Model":
        """The model that the options describe, on the server's own interpreter.

        `abeja.runtime.prepare.environments.equip` gives it the one that it needs.

        Raises:
            ConfigurationError: the folder, the image version or what it asks for is missing.
            PluginError: a plugin that the image version asks for cannot be used.
        """
        options, image = configuration.options, configuration.require_image()
        if not options.model_dir.is_dir():
            what = "is a file" if options.model_dir.is_file() else "does not exist"
            raise ModelFolderMissingError(
                f"the model's folder {options.model_dir} {what}.",
                hint="--model-dir names the folder that has the handler's module.",
            )
        folder = working_directory(options.model_dir)
        plugins, asked_by = configuration.plugins, f'{image.origin}, image "{image.name}"'
        abi = plugins.abi(image.abi, asked_by=asked_by)
        variables = plugins.variables(abi, folder=folder, handler=options.handler)
        return cls(
            folder=folder,
            handler=options.handler,
            image=image,
            abi=abi,
            encoders=tuple(plugins.encoder(name, asked_by=asked_by) for name in image.encoders),
            python=Path(sys.executable),
            environment=_environment(folder, {**variables, **environ, **options.environment}, options.handler),
        )

    @property
    def training_result_folder(self) -> Path:
        """Where the handler looks for its training result; it need not exist."""
        return Path(self.environment[TRAINING_RESULT_VARIABLE])

    @property
    def identity_headers(self) -> tuple[tuple[str, str], ...]:
        """The response headers that say which model, deployment and service answered.

        A value that no header can carry is left out.
        """
        pairs = ((name, self.environment.get(variable, "").strip()) for name, variable in _IDENTITY.items())
        return tuple((name, value) for name, value in pairs if value and is_field_value(value))


def _environment(folder: Path, environ: Mapping[str, str], handler: str) -> dict[str, str]:
    result = environ.get(TRAINING_RESULT_VARIABLE) or TRAINING_RESULT_FOLDER
    return {
        "ABEJA_STORAGE_DIR_PATH": str(Path("~").expanduser() / _STORAGE_FOLDER),
        "SERVICE_TYPE": "HTTP",
        **environ,
        "HANDLER": handler,
        "PYTHONUNBUFFERED": "x",
        TRAINING_RESULT_VARIABLE: str((folder / result).absolute()),
    }
