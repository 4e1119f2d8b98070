"""A disk that is really full: a file system of the test's own, in a namespace of its own."""

import subprocess
from pathlib import Path

import pytest

UNSHARE = ("unshare", "--user", "--map-root-user", "--mount")
# Mounts a file system of $1 bytes on $2, runs the rest, and says what is left there.
ON_SMALL_DISK = 'mount -t tmpfs -o size="$1" tmpfs "$2" || exit 99; "${@:3}"; status=$?; find "$2" >&2; exit $status'


@pytest.fixture
def small_disk(tmp_path: Path) -> Path:
    """Where a small file system can be mounted."""
    place = tmp_path / "disk"
    place.mkdir()
    try:
        tried = subprocess.run([*UNSHARE, "mount", "-t", "tmpfs", "tmpfs", place], check=False, capture_output=True)
    except FileNotFoundError:
        pytest.skip("there is no unshare on this machine")
    if tried.returncode != 0:
        pytest.skip("this machine lets nobody mount file systems of their own")
    return place


def on_small_disk(
    place: Path, size: str, *command: str | Path, environ: dict[str, str]
) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [*UNSHARE, "bash", "-c", ON_SMALL_DISK, "bash", size, place, *command],
        env=environ,
        check=False,
        capture_output=True,
        text=True,
    )


@pytest.mark.parametrize("tool", ["uv", "pip"])
def test_packages_that_do_not_fit_are_named_so_and_leave_nothing(
    command: Path, isolated: dict[str, str], model: Path, small_disk: Path, tool: str
) -> None:
    (model / "requirements.txt").write_text("alpha\nbeta\n")

    done = on_small_disk(
        small_disk,
        "32k",
        *(command, "install", "--image-version", "latest", "--model-dir", model, "--installer", tool),
        environ={**isolated, "XDG_CACHE_HOME": str(small_disk)},
    )

    assert done.returncode == 3, done.stderr
    assert "Error: disk-full: there is no space left" in done.stderr
    assert "Traceback" not in done.stderr
    environments = str(small_disk / "abeja-runtime" / "environments")
    left = [line for line in done.stderr.splitlines() if line.startswith(f"{environments}/")]
    assert [line for line in left if not line.endswith(".lock")] == []


def test_training_result_that_does_not_fit_is_named_so_and_leaves_nothing(
    command: Path, environ: dict[str, str], tmp_path: Path, small_disk: Path
) -> None:
    archive = tmp_path / "archive"
    archive.mkdir()
    (archive / "weights").write_bytes(bytes(200_000))

    done = on_small_disk(small_disk, "100k", command, "extract", archive, small_disk / "result", environ=environ)

    assert done.returncode == 3, done.stderr
    assert "No space left on device" in done.stderr
    assert "Traceback" not in done.stderr
    assert done.stderr.splitlines()[-1] == str(small_disk)
