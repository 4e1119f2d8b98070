"""The modules of the worker, loaded from their folder as the worker itself does it.

So they are there on Pythons that abeja-runtime cannot be installed for.
"""

import importlib
import importlib.util
import os
import sys
from typing import Any

_PACKAGE = "_abeja_worker"
_HERE = os.path.dirname(os.path.realpath(__file__))
_FOLDER = os.path.normpath(os.path.join(_HERE, "..", "..", "..", "worker"))


def _load(name: str) -> Any:
    if _PACKAGE not in sys.modules:
        location = os.path.join(_FOLDER, "__init__.py")
        spec = importlib.util.spec_from_file_location(_PACKAGE, location, submodule_search_locations=[_FOLDER])
        if spec is None or spec.loader is None:
            raise ImportError(location)
        package = importlib.util.module_from_spec(spec)
        sys.modules[_PACKAGE] = package
        spec.loader.exec_module(package)
    return importlib.import_module("%s.%s" % (_PACKAGE, name))


failure = _load("failure")
frames = _load("frames")
loading = _load("loading")
sendable = _load("sendable")
services = _load("services")
session = _load("session")
