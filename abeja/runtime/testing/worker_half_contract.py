"""What the worker half of an ABI or an encoder promises: it loads on every Python from 3.6 on."""

import ast
import json
import subprocess
from pathlib import Path
from typing import Any, ClassVar

from abeja.runtime.prepare.interpreters import Interpreter
from abeja.runtime.testing import handler_path
from abeja.runtime.testing.handler_path.abeja_handler_testing.worker_modules import loading
from abeja.runtime.testing.plugin_contract import Parameters, PluginContract
from abeja.runtime.testing.pythons import label, oldest, pythons

KIT = str(Path(handler_path.__file__).parent)

_COMPILE = "import sys; compile(open(sys.argv[1], 'rb').read(), sys.argv[1], 'exec')"
_LOAD = """
import json, sys
kit, kind, plugin, class_name, methods = json.loads(sys.argv[1])
sys.path.insert(0, kit)
from abeja_handler_testing.worker_modules import failure, loading
try:
    loaded = loading.load_plugin_class(kind, plugin, class_name)
except failure.LoadError as error:
    sys.exit(error.describe()["traceback"] + error.message)
missing = [method for method in methods if not callable(getattr(loaded, method, None))]
if missing:
    sys.exit("the class %s has no method %s" % (class_name, ", ".join(missing)))
"""


class WorkerHalfContract(PluginContract):
    """Base of the contracts of plugins that have a worker half."""

    class_name: ClassVar[str]
    methods: ClassVar[tuple[str, ...]]

    def parameters(self) -> Parameters:
        """See `PluginContract`."""
        return {"python": {label(python): python for python in pythons()}}

    def worker_class(self) -> Any:
        """The class of the worker half, loaded in this process as a worker loads it."""
        return loading.load_plugin_class(self.kind, self.half(), self.class_name)

    def half(self) -> dict[str, str]:
        """What a worker is told of the plugin."""
        return {"name": self.value.name, "worker": str(self.value.worker), "origin": self.plugin.__name__}

    def test_the_worker_half_is_in_the_syntax_of_python_3_6(self) -> None:
        """By a Python 3.6 if this machine has one, else as far as `ast` knows."""
        path, python = self.value.worker, oldest()
        if python is None:
            ast.parse(path.read_bytes(), str(path), feature_version=(3, 6))
        else:
            _run(python, "-I", "-c", _COMPILE, str(path))

    def test_the_worker_half_loads_with_the_standard_library_alone(self, python: Interpreter) -> None:
        """Without site-packages, and without `abeja.runtime`; what it needs further it imports when it is used."""
        asked = [KIT, self.kind, self.half(), self.class_name, self.methods]
        _run(python, "-I", "-S", "-c", _LOAD, json.dumps(asked))


def _run(python: Interpreter, *arguments: str) -> None:
    done = subprocess.run([python.path, *arguments], capture_output=True, text=True, check=False)
    assert done.returncode == 0, f"{python}:\n{done.stdout}{done.stderr}"
