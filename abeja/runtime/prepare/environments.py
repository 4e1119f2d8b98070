"""The environment that a model runs in: found, or built."""

import datetime
import logging
import os
from collections.abc import Mapping
from pathlib import Path

import attrs
from attrs import frozen

from abeja.runtime.config import Configuration
from abeja.runtime.errors import InterpreterMissingError
from abeja.runtime.model import Model
from abeja.runtime.options import Options
from abeja.runtime.prepare.build import Build
from abeja.runtime.prepare.choice import Choice, choose, is_of
from abeja.runtime.prepare.imports import imported_modules
from abeja.runtime.prepare.indexes import Indexes
from abeja.runtime.prepare.interpreters import Interpreter, discover, interpreter_at, server_interpreter
from abeja.runtime.prepare.planning import plan_of
from abeja.runtime.prepare.provided import provided_requirements, seed
from abeja.runtime.prepare.recipe import Recipe
from abeja.runtime.prepare.requirement import normalized
from abeja.runtime.prepare.store import Store, cache_folder
from abeja.runtime.types import Image, Plan

_log = logging.getLogger("abeja.runtime")


@frozen(kw_only=True)
class Environment:
    """Where a handler's Python and packages are.

    Attributes:
        python: its interpreter.
        folder: of the virtual environment; None for an interpreter as it is.
        read: the model's files that say what is in it.
    """

    python: Path
    folder: Path | None = None
    read: tuple[Path, ...] = ()

    def variables(self, environ: Mapping[str, str]) -> dict[str, str]:
        """What makes programs that the handler starts find this environment, as if it were activated."""
        if self.folder is None:
            return {}
        path = os.pathsep.join((str(self.folder / "bin"), environ.get("PATH", os.defpath)))
        return {"VIRTUAL_ENV": str(self.folder), "PATH": path}


def equip(model: Model, configuration: Configuration) -> Model:
    """The model with the interpreter that has its packages, which are installed if need be.

    Raises:
        InterpreterMissingError: a Python that was asked for is not on this machine.
        DependencyError: the packages cannot be installed.
    """
    environment = prepare_environment(model, configuration)
    return attrs.evolve(
        model,
        python=environment.python,
        environment={**model.environment, **environment.variables(model.environment)},
        read_at_start=environment.read,
    )


def prepare_environment(model: Model, configuration: Configuration) -> Environment:
    """What ``--env`` asks for; see `equip`."""
    options, image = configuration.options, model.image
    if options.env == "inherit":
        return Environment(python=_inherited(options).path)
    asked_by = f'{image.origin}, image "{image.name}"'
    installers = [configuration.plugins.installer(name, asked_by=asked_by) for name in image.installers]
    plan = plan_of(model.folder, installers, model.environment)
    if options.env != "auto":
        if plan is not None:
            _log.info("%s is not installed: --env %s", plan.source, options.env)
        folder = _folder_of(options.env)
        return Environment(python=_given(options.env).path, folder=folder if folder.is_dir() else None)
    recipe = _recipe(model, options, plan)
    read = plan.read if plan is not None else ()
    if not recipe.is_buildable:
        return Environment(python=recipe.interpreter.path, read=read)
    folder = Build(recipe=recipe, store=Store(cache_folder())).environment()
    return Environment(python=folder / "bin" / "python", folder=folder, read=read)


def chosen_interpreter(options: Options, image: Image | None, plan: Plan | None) -> Choice:
    """The interpreter that runs the handler, or that its environment is built with; nothing is built.

    Raises:
        InterpreterMissingError: a Python that was asked for is not on this machine.
    """
    if options.env == "inherit":
        return Choice(interpreter=_inherited(options))
    if options.env != "auto":
        return Choice(interpreter=_given(options.env))
    return _choice(options, image, plan)


def _choice(options: Options, image: Image | None, plan: Plan | None) -> Choice:
    wishes = [(plan.python, plan.source)] if plan is not None else []
    if image is not None:
        wishes.append((image.python, f"image version {image.name}"))
    return choose(discover(), option=options.python, wishes=wishes)


def _inherited(options: Options) -> Interpreter:
    """``--env inherit``: an interpreter as it is, whatever the model and its image version ask for."""
    return server_interpreter() if options.python is None else choose(discover(), option=options.python).interpreter


def _given(env: str) -> Interpreter:
    """``--env PATH``: that of a virtual environment, or an interpreter, in which nothing is installed."""
    folder = _folder_of(env)
    python = folder / "bin" / "python" if folder.is_dir() else folder
    if not python.is_file():
        raise InterpreterMissingError(
            f"--env {env} is no virtual environment: there is no {python}.",
            hint="--env takes auto, inherit, or the folder of a virtual environment.",
        )
    return interpreter_at(str(python), origin="--env")


def _folder_of(env: str) -> Path:
    return Path(env).expanduser().absolute()


def _recipe(model: Model, options: Options, plan: Plan | None) -> Recipe:
    image = model.image
    choice = _choice(options, image, plan)
    as_of = _as_of(choice, image, options)
    if choice.is_substitute:
        _warn_of_substitute(choice, image, as_of)
    asked = {normalized(name) for name in plan.names} if plan is not None else set()
    imported = imported_modules(model.folder, model.handler.partition(":")[0]) if image.provides else frozenset()
    provided = provided_requirements(image, imported=imported, asked=asked)
    if provided or (plan is not None and plan.requirements):
        provided += seed(choice.interpreter.facts.version, asked=asked)
    return Recipe(
        interpreter=choice.interpreter,
        plan=plan,
        provided=provided,
        as_of=as_of if options.installer == "uv" else None,
        tool=options.installer,
        indexes=Indexes.configured(model.environment),
        folder=model.folder,
        environ=model.environment,
    )


def _as_of(choice: Choice, image: Image, options: Options) -> datetime.date | None:
    """The day as of which packages resolve: for another Python than the image's, packages of its day have no wheels."""
    if isinstance(options.as_of, datetime.date):
        return options.as_of
    is_of_image = image.python is None or is_of(choice.interpreter, image.python)
    return image.released if is_of_image and options.as_of is None else None


def _warn_of_substitute(choice: Choice, image: Image, as_of: datetime.date | None) -> None:
    packages = "of today" if as_of is None else f"as of {as_of}"
    released = f" instead of {image.released}" if image.released and as_of is None else ""
    _log.warning(
        "Python %s (%s) is not on this machine: the handler runs on %s, with packages %s%s. "
        "What changed between these versions may change what it does.",
        choice.wanted,
        choice.asked_by,
        choice.interpreter,
        packages,
        released,
    )
