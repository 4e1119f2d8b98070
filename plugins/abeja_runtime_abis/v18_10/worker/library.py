"""Libraries of the model's environment, imported when an input needs them."""

import importlib
import sys
from typing import Any, List, Tuple


def imported(purpose: str, *modules: str) -> Tuple[str, Any]:
    """The first of `modules` that can be imported, with its name.

    Args:
        purpose: what it is for, such as ``image input``.
        modules: names such as ``PIL.Image``.

    Raises:
        ImportError: none of them can be; the message says what to install.
    """
    problems: List[str] = []
    for module in modules:
        try:
            return module, importlib.import_module(module)
        except ImportError as error:
            problems.append(str(error))
        except Exception as error:  # a broken installation may raise anything
            problems.append("%s: %s: %s" % (module, type(error).__name__, error))
    wanted = " or ".join(_DISTRIBUTIONS[module] for module in modules)
    raise ImportError(
        "%s needs %s in the handler's environment (Python %s, %s): %s. "
        "Put it into requirements.txt, or let `--env auto` provide it."
        % (purpose, wanted, sys.version.split()[0], sys.executable, "; ".join(problems))
    )


_DISTRIBUTIONS = {"numpy": "numpy", "PIL.Image": "Pillow", "cv2": "OpenCV (opencv-python-headless)", "av": "PyAV (av)"}
