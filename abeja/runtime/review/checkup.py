"""Checks a model: everything that reading tells before it is served."""

import os
import shlex
from collections.abc import Iterable, Sequence
from pathlib import Path

from attrs import evolve, field, frozen

from abeja.runtime.config import Configuration
from abeja.runtime.errors import ModelFolderMissingError
from abeja.runtime.prepare.environments import chosen_interpreter
from abeja.runtime.prepare.imports import import_graph
from abeja.runtime.prepare.interpreters import Interpreter
from abeja.runtime.prepare.planning import plan_of
from abeja.runtime.prepare.working_directory import working_directory
from abeja.runtime.review.definition import find_definition
from abeja.runtime.review.finding import Finding, Level
from abeja.runtime.review.missing_modules import Packages, missing_modules
from abeja.runtime.review.opinions import MISMATCH, Opinion, ask, images_of, likeliest, undecided, verdict
from abeja.runtime.review.source import parse, syntax_findings
from abeja.runtime.types import Image, Plan


def _sorted(findings: Iterable[Finding]) -> tuple[Finding, ...]:
    return tuple(sorted(findings, key=lambda finding: (list(Level).index(finding.level), finding.path, finding.line)))


@frozen(kw_only=True)
class Report:
    """What a check found.

    Attributes:
        findings: the worst first, each with its path.
        image: the image version that was asked for, or the one that the code looks like; None if neither.
        python: the interpreter that would run the handler.
        command: serves the handler, with the image version that its code looks like; empty without one.
    """

    findings: tuple[Finding, ...] = field(converter=_sorted)
    image: Image | None
    python: Interpreter
    command: str

    def count(self, level: Level) -> int:
        """How many findings there are of a level."""
        return sum(finding.level is level for finding in self.findings)


def check(configuration: Configuration) -> Report:
    """Read the model that the options describe; nothing of it is run, built or downloaded.

    Raises:
        ConfigurationError: the folder does not exist, or the image version or what it asks for is not known.
        DependencyFileInvalidError: the file that names the model's packages cannot be used.
        InterpreterMissingError: a Python that was asked for is not on this machine.
    """
    options = configuration.options
    if not options.model_dir.is_dir():
        raise ModelFolderMissingError(
            f"the model's folder {options.model_dir} does not exist.", hint="--model-dir names it."
        )
    return _Checkup(configuration, working_directory(options.model_dir).resolve()).report()


@frozen(kw_only=True)
class _Ground:
    """What a handler runs on, with what that cannot read."""

    image: Image | None
    plan: Plan | None
    python: Interpreter
    syntax: list[Finding]


class _Checkup:
    def __init__(self, configuration: Configuration, folder: Path) -> None:
        self._configuration = configuration
        self._folder = folder
        self._definition = find_definition(folder, configuration.options.handler)
        self._graph = import_graph(folder, configuration.options.handler.partition(":")[0])
        self._environ = {**os.environ, **configuration.options.environment}

    def report(self) -> Report:
        definition = self._definition
        opinions, findings = self._opinions()
        ground, looks_like = self._ground(opinions)
        if definition.finding is not None:
            findings.append(self._weighed(definition.finding, ground))
        if ground.image is not None:
            found = verdict(
                ground.image.abi,
                opinions,
                images=self._configuration.images,
                is_decorated=definition.code is not None and definition.code.is_decorated,
            )
            is_other = any(finding.slug == MISMATCH and finding.level is Level.ERROR for finding in found)
            command = self._command(looks_like if is_other else ground.image)
        else:
            found, command = (undecided(opinions),) if definition.code is not None else (), ""
        return Report(
            findings=[*map(self._placed, (*findings, *found)), *ground.syntax, *self._missing(ground)],
            image=ground.image,
            python=ground.python,
            command=command,
        )

    def _weighed(self, finding: Finding, ground: "_Ground") -> Finding:
        """A module that is not in the folder may be in a package, or where PYTHONPATH says."""
        is_elsewhere = ground.plan is not None or "PYTHONPATH" in self._environ
        is_missing = finding.slug == "handler-module-missing"
        return evolve(finding, level=Level.WARNING) if is_missing and is_elsewhere else finding

    def _opinions(self) -> tuple[list[Opinion], list[Finding]]:
        plugins, image, code = self._configuration.plugins, self._configuration.image, self._definition.code
        if image is not None:
            plugins.abi(image.abi, asked_by=f'{image.origin}, image "{image.name}"')
        return ask(plugins, plugins.abis(), code) if code is not None else ([], [])

    def _ground(self, opinions: Sequence[Opinion]) -> tuple["_Ground", Image | None]:
        """What the handler runs on, and the newest image version of the ABI that its code looks like.

        Without an image version, it is the first of that ABI whose Python can read the code.
        """
        likely = likeliest(opinions)
        images = images_of(likely.abi, self._configuration.images) if likely is not None else []
        newest = images[0] if images else None
        if self._configuration.image is not None:
            return self._on(self._configuration.image), newest
        first = self._on(newest)
        others = {image.python: image for image in reversed(images) if newest and image.python != newest.python}
        grounds = map(self._on, others.values()) if first.syntax else ()
        return next((ground for ground in grounds if not ground.syntax), first), newest

    def _on(self, image: Image | None) -> "_Ground":
        plan = self._plan(image)
        python = chosen_interpreter(self._configuration.options, image, plan).interpreter
        return _Ground(image=image, plan=plan, python=python, syntax=self._syntax(python))

    def _missing(self, ground: "_Ground") -> list[Finding]:
        if ground.image is None:
            return []
        packages = Packages(
            image=ground.image,
            plan=ground.plan,
            python=ground.python,
            is_built=self._configuration.options.env == "auto",
            environ=self._environ,
        )
        return missing_modules(self._graph, self._folder, packages)

    def _plan(self, image: Image | None) -> Plan | None:
        if image is None:
            return None
        asked_by = f'{image.origin}, image "{image.name}"'
        installers = [self._configuration.plugins.installer(name, asked_by=asked_by) for name in image.installers]
        return plan_of(self._folder, installers, self._environ)

    def _syntax(self, python: Interpreter) -> list[Finding]:
        findings = syntax_findings(list(self._graph.files), self._folder, python)
        path = self._definition.path
        if path is not None and parse(path) is None and self._relative(path) not in {f.path for f in findings}:
            findings.append(
                Finding(
                    slug="handler-not-read",
                    message="the handler is not checked: the Python of abeja-runtime cannot read its syntax",
                    level=Level.NOTE,
                    path=self._relative(path),
                )
            )
        return findings

    def _placed(self, finding: Finding) -> Finding:
        path = self._relative(self._definition.path) if self._definition.path is not None else ""
        return evolve(finding, path=finding.path or path)

    def _relative(self, path: Path) -> str:
        return str(path.relative_to(self._folder))

    def _command(self, image: Image | None) -> str:
        options = self._configuration.options
        if image is None:
            return ""
        asked = ["--image-version", image.name]
        if image is self._configuration.image:
            asked = ["--image", options.image] if options.image else ["--image-version", options.image_version or ""]
        words = [
            "abeja-runtime",
            "serve",
            *asked,
            "--handler",
            options.handler,
            "--model-dir",
            _short(options.model_dir),
        ]
        words += ["--python", options.python] if options.python else []
        return shlex.join(words + [word for file in options.plugin for word in ("--plugin", _short(file))])


def _short(path: Path) -> str:
    """Relative to the current folder, if it is in it."""
    here = Path.cwd()
    return os.path.relpath(path, here) if path.is_relative_to(here) else str(path)
