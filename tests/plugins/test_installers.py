"""The built-in installers keep the contract."""

import abeja_runtime_installers.pipfile
import abeja_runtime_installers.requirements
from abeja.runtime.testing import InstallerContract

PIPFILE = '[packages]\nnumpy = "==1.16.3"\nrequests = "*"\n[requires]\npython_version = "3.6"\n'


class TestRequirements(InstallerContract):
    plugin = abeja_runtime_installers.requirements
    samples = (
        {"requirements.txt": "numpy==1.16.3\nPillow\n"},
        {"requirements.txt": "# nothing\n"},
        {"requirements.txt": "-r more/base.txt\n-c limits.txt\n", "more/base.txt": "six\n", "limits.txt": "six<2\n"},
        {"requirements.txt": "./package\n", "package/setup.py": "import setuptools\n"},
    )
    broken = (
        {"requirements.txt": "-r missing.txt\n"},
        {"requirements.txt": b"\xff\xfe\xfd"},
    )


class TestPipfile(InstallerContract):
    plugin = abeja_runtime_installers.pipfile
    samples = (
        {"Pipfile": PIPFILE},
        {"Pipfile": ""},
        {"Pipfile": PIPFILE, "Pipfile.lock": '{"_meta": {"hash": {"sha256": "other"}}, "default": {}}'},
        {"Pipfile": '[packages]\nown = {path = "./own"}\n', "own/setup.py": "import setuptools\n"},
    )
    broken = (
        {"Pipfile": "[packages\n"},
        {"Pipfile": b"\xff\xfe\xfd"},
        {"Pipfile": "", "Pipfile.lock": "[]"},
        {"Pipfile": "", "Pipfile.lock": "{"},
    )
