"""Which modules a handler's code imports."""

from pathlib import Path

import pytest

from abeja.runtime.prepare.imports import imported_modules


def written(folder: Path, files: dict[str, str]) -> Path:
    for name, content in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content)
    return folder


@pytest.mark.parametrize(
    ("files", "modules"),
    [
        ({"main.py": "import numpy as np, os.path\nfrom PIL import Image\n"}, {"numpy", "os", "PIL"}),
        ({"main.py": "def handler(r, c):\n    import cv2\n"}, {"cv2"}),
        ({"main.py": "try:\n    import a\nexcept ImportError:\n    import b\n"}, {"a", "b"}),
        ({"main.py": "import own\n", "own.py": "import numpy\n", "train.py": "import keras\n"}, {"numpy"}),
        ({"main.py": "from lib import own\n", "lib/own.py": "import numpy\n"}, {"numpy"}),
        ({"main.py": "import lib\n", "lib/__init__.py": "from . import a\n", "lib/a.py": "import x\n"}, {"x"}),
        ({"main.py": "from lib.a import f\n", "lib/a.py": "from ..b import c\n", "b.py": "import x\n"}, {"x"}),
        ({"main.py": "from ..... import x\n"}, set()),
        ({"main.py": "import importlib\nimportlib.import_module('numpy')\n"}, {"importlib", "numpy"}),
        ({"main.py": "name = 'k'\n__import__(name)\n", "k.py": "import keras\n"}, {"keras"}),
        # Python 3.6 allowed `async` for a name.
        ({"main.py": "import numpy\nf(async=True)\nfrom PIL import Image\n"}, {"numpy", "PIL"}),
        ({"main.py": "import main\n"}, set()),
        ({}, {"main"}),
    ],
)
def test_imports_are_followed_through_the_folder(tmp_path: Path, files: dict[str, str], modules: set[str]) -> None:
    assert imported_modules(written(tmp_path, files), "main") == modules


def test_other_programs_in_the_folder_are_not_read(tmp_path: Path) -> None:
    files = {"main.py": "exec('x')\n", "venv/pyvenv.cfg": "", "venv/x.py": "import a\n", ".git/x.py": "import b\n"}

    assert imported_modules(written(tmp_path, files), "main") == set()
