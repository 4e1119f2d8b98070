"""Packages as of a day, from an index that says when each file was uploaded."""

import http.server
import json
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.prepare.conftest import Install, make_wheel

# What the index has: name, version -> the year of its upload, and what it needs.
FILES = {
    ("setuptools", "1.0"): (2015, []),
    ("alpha", "1.0"): (2018, []),
    ("alpha", "2.0"): (2023, []),
    ("beta", "1.0"): (2018, ["alpha"]),
    ("young", "1.0"): (2023, ["alpha"]),
    ("needy", "1.0"): (2023, ["alpha>=2"]),
    ("gamma", "1.0"): (2018, ["alpha<2"]),
    ("gamma", "2.0"): (2023, ["alpha>=2"]),
}


@pytest.fixture
def index(tmp_path: Path) -> Iterator[str]:
    """The URL of an index that has FILES."""
    folder = tmp_path / "index"
    folder.mkdir()
    pages: dict[str, list[dict[str, object]]] = {}
    for (name, version), (year, requires) in FILES.items():
        wheel = make_wheel(folder, name, version, requires=requires)
        upload = f"{year}-01-01T00:00:00Z"
        entry: dict[str, object] = {
            "filename": wheel.name,
            "url": f"/files/{wheel.name}",
            "hashes": {},
            "upload-time": upload,
        }
        pages.setdefault(name, []).append(entry)

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            name = self.path.strip("/").split("/")[-1]
            is_file = self.path.startswith("/files/")
            document = {"meta": {"api-version": "1.1"}, "name": name, "files": pages.get(name), "versions": []}
            body = (folder / name).read_bytes() if is_file else json.dumps(document).encode()
            self.send_response(200 if is_file or name in pages else 404)
            self.send_header("Content-Type", "application/vnd.pypi.simple.v1+json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            if self.command != "HEAD":
                self.wfile.write(body)

        do_HEAD = do_GET  # noqa: N815 (the name that the base class calls)

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}/simple"
        server.shutdown()
        thread.join()


def installed(runtime: Install, model: Path, index: str, text: str, *arguments: str) -> tuple[set[str], str]:
    """The packages of the environment, and the log."""
    (model / "requirements.txt").write_text(text)
    done = runtime("install", *arguments, PIP_INDEX_URL=index, PIP_NO_INDEX="", PIP_FIND_LINKS="")
    assert done.returncode == 0, done.stderr
    record = json.loads((Path(done.stdout.strip()).parents[1] / "environment.json").read_text())
    return set(record["packages"]) - {"setuptools==1.0"}, done.stderr


DAY = ("--as-of", "2019-05-01")


@pytest.mark.parametrize(
    ("text", "packages"),
    [
        ("alpha\n", {"alpha==1.0"}),
        ("beta\n", {"beta==1.0", "alpha==1.0"}),
        ("gamma\n", {"gamma==1.0", "alpha==1.0"}),
    ],
)
def test_what_is_not_pinned_is_of_the_day(
    runtime: Install, model: Path, index: str, text: str, packages: set[str]
) -> None:
    found, log = installed(runtime, model, index, text, *DAY)

    assert found == packages
    assert "as of today" not in log


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("alpha==2.0\nbeta\n", ({"alpha==2.0", "beta==1.0"}, "alpha")),
        ("young\n", ({"young==1.0", "alpha==1.0"}, "young")),
        ("needy\n", ({"needy==1.0", "alpha==2.0"}, "needy, alpha")),
    ],
)
def test_what_is_younger_is_exempt_by_name_and_the_log_says_so(
    runtime: Install, model: Path, index: str, text: str, expected: tuple[set[str], str]
) -> None:
    found, log = installed(runtime, model, index, text, *DAY)

    packages, exempt = expected
    assert found == packages
    assert f"INFO: no version that fits is of 2019-05-01 or before, so taken as of today: {exempt}\n" in log


def test_no_day_means_the_newest(runtime: Install, model: Path, index: str) -> None:
    assert installed(runtime, model, index, "gamma\n", "--as-of", "none")[0] == {"gamma==2.0", "alpha==2.0"}


@pytest.mark.parametrize(
    ("image_python", "package"),
    [
        (f'python = "3.{sys.version_info[1]}"', "alpha==1.0"),
        (f'python = "3.{sys.version_info[1]}.99"', "alpha==1.0"),
        ('python = ">=3.6"', "alpha==1.0"),
        ('python = "3.6"', "alpha==2.0"),
        # It had whatever it runs on here.
        ("", "alpha==1.0"),
    ],
)
def test_the_day_of_an_image_holds_on_its_own_python_only(
    runtime: Install, model: Path, index: str, image_python: str, package: str
) -> None:
    (model / "abeja-runtime.toml").write_text(f"[image.latest]\n{image_python}\nreleased = 2019-05-01\n")

    assert installed(runtime, model, index, "alpha\n", "--python", sys.executable)[0] == {package}
