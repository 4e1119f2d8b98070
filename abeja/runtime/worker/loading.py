"""Loads the user's handler by name, and the worker modules of plugins by path."""

import contextlib
import difflib
import importlib
import importlib.util
import sys
from types import ModuleType
from typing import Any, Callable, Dict, Iterator, List

from . import failure

_SERVER_HALF = "abeja.runtime"


def load_handler(model_dir: str, handler: str) -> Callable[..., Any]:
    """The callable that ``module:function`` names.

    Raises:
        failure.LoadError: the module or the attribute does not exist, or importing it raised.
    """
    module_name, _, attribute = handler.partition(":")
    module = _import_user_module(model_dir, module_name)
    try:
        function: Callable[..., Any] = getattr(module, attribute)
    except AttributeError as error:
        raise failure.LoadError(
            "handler-attribute-missing",
            "the module '%s' (%s) has no '%s'." % (module_name, getattr(module, "__file__", "?"), attribute),
            _attribute_hint(module_name, attribute, _callables(module)),
        ) from error
    return function


def load_plugin_class(kind: str, plugin: Dict[str, str], class_name: str) -> Any:
    """The class of a plugin's worker module, which is loaded from its file under a private module name.

    Args:
        kind: ``abi`` or ``encoder``.
        plugin: its `name`, the path `worker`, and `origin`: who provides it, for messages.
        class_name: the class.

    Raises:
        failure.LoadError: the module does not load on this Python, or has no such class.
    """
    module = _load_plugin_module(kind, plugin)
    try:
        return getattr(module, class_name)
    except AttributeError as error:
        raise failure.LoadError(
            "plugin-worker-failed",
            "the worker module of %s '%s' (%s) has no class '%s'." % (kind, plugin["name"], _where(plugin), class_name),
            "the runtime makes an instance of it; see the docs on writing plugins. Defined there: %s."
            % (", ".join("`%s`" % found for found in sorted(_callables(module))) or "nothing"),
        ) from error


def _load_plugin_module(kind: str, plugin: Dict[str, str]) -> ModuleType:
    name, path = plugin["name"], plugin["worker"]
    module_name = "_abeja_worker_plugins_%s_%s" % (kind, "".join(c if c.isalnum() else "_" for c in name))
    try:
        spec = importlib.util.spec_from_file_location(module_name, path)
        if spec is None or spec.loader is None:
            raise ImportError("%s is not a Python file" % path)
        module = importlib.util.module_from_spec(spec)
        sys.modules[module_name] = module
        with _without_server_half():
            spec.loader.exec_module(module)
    except BaseException as error:  # a third party's module may raise anything, SystemExit too
        raise failure.LoadError(
            "plugin-worker-failed",
            "the worker module of %s '%s' (%s) does not load on Python %s: %s"
            % (kind, name, _where(plugin), sys.version.split()[0], failure.summary(error)),
            "a worker module runs on the model's Python: the standard library only, in the syntax of Python 3.6.",
            error,
        ) from error
    return module


@contextlib.contextmanager
def _without_server_half() -> Iterator[None]:
    """Make `import abeja.runtime` an ImportError, as on every Python that does not happen to have it.

    So a file that is both halves of a plugin can tell where it is.
    """
    there = _SERVER_HALF in sys.modules
    found = sys.modules.get(_SERVER_HALF)
    sys.modules[_SERVER_HALF] = None  # type: ignore[assignment] # how Python itself says that it cannot be imported
    try:
        yield
    finally:
        del sys.modules[_SERVER_HALF]
        if there:
            sys.modules[_SERVER_HALF] = found  # type: ignore[assignment] # what was there


def _where(plugin: Dict[str, str]) -> str:
    """The distribution with its version, if there is one, and the file."""
    origin, path = plugin.get("origin", ""), plugin["worker"]
    return path if origin in ("", path) else "%s, %s" % (origin, path)


def _import_user_module(model_dir: str, name: str) -> ModuleType:
    try:
        return importlib.import_module(name)
    except ModuleNotFoundError as error:
        if error.name is not None and (name == error.name or name.startswith(error.name + ".")):
            raise failure.LoadError(
                "handler-module-missing",
                "there is no module '%s' in %s." % (name, model_dir),
                "the handler is written <module>:<function>, for a function `handler` in main.py `main:handler`; "
                "--model-dir names the folder that has the module.",
            ) from error
        raise failure.LoadError(
            "handler-import-failed",
            "importing '%s' failed: %s" % (name, failure.summary(error)),
            "the module '%s' is not installed for the worker's Python %s (%s): name its package in requirements.txt, "
            "or with --env inherit install it there." % (error.name, sys.version.split()[0], sys.executable),
            error,
        ) from error
    except SystemExit as error:
        raise failure.LoadError(
            "handler-import-failed",
            "importing '%s' ended the interpreter: SystemExit(%r)" % (name, error.code),
            "a handler's module must not call sys.exit() when it is imported; "
            'guard scripts with `if __name__ == "__main__":`.',
            error,
        ) from error
    except BaseException as error:  # the user's import may raise anything, and each is theirs to see
        raise failure.LoadError(
            "handler-import-failed",
            "importing '%s' failed: %s" % (name, failure.summary(error)),
            "the traceback above is from the handler's own code, run by Python %s (%s)."
            % (sys.version.split()[0], sys.executable),
            error,
        ) from error


def _callables(module: ModuleType) -> List[str]:
    members: Dict[str, Any] = vars(module)
    return [
        name
        for name, value in members.items()
        if not name.startswith("_") and callable(value) and getattr(value, "__module__", None) == module.__name__
    ]


def _attribute_hint(module_name: str, attribute: str, candidates: List[str]) -> str:
    if not candidates:
        return "the module defines no function."
    near = difflib.get_close_matches(attribute, candidates, n=1)
    if near:
        return "did you mean `%s:%s`?" % (module_name, near[0])
    return "its functions: %s." % ", ".join("`%s`" % name for name in sorted(candidates)[:10])
