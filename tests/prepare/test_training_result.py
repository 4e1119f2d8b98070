"""--training-result: fetched and extracted once, and nothing else is touched."""

import errno
import fcntl
import hashlib
import http.server
import io
import json
import multiprocessing
import os
import signal
import subprocess
import tarfile
import threading
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

import pytest

from abeja.runtime import Extractor, Fetch, Member, ResultSource
from abeja.runtime.errors import ArchiveUnreadableError, ExtractionFailedError, FolderOccupiedError
from abeja.runtime.plugins import Plugins
from abeja.runtime.prepare.extraction import choose
from abeja.runtime.prepare.limits import Limits
from abeja.runtime.prepare.placement import Place
from abeja.runtime.prepare.requested_source import RequestedSource
from abeja.runtime.prepare.training_result import TrainingResult

Run = Callable[..., "subprocess.CompletedProcess[str]"]


def names_in(folder: Path) -> set[str]:
    """What is in a folder, but for what Python itself keeps there."""
    return {path.name for path in folder.iterdir()} - {"__pycache__"}


def archive(path: Path, **files: str) -> Path:
    with tarfile.open(path, "w:gz") as tar:
        for name, text in files.items():
            member = tarfile.TarInfo(f"{name}.json")
            member.size = len(text)
            tar.addfile(member, io.BytesIO(text.encode()))
    return path


@pytest.fixture
def model(repository: Path, tmp_path: Path) -> Path:
    """The folder of the example, without its training result."""
    folder = tmp_path / "model"
    folder.mkdir()
    for name in ("main.py", "request.json"):
        (folder / name).write_bytes((repository / "examples/training_result" / name).read_bytes())
    return folder


@pytest.fixture
def result(tmp_path: Path) -> Path:
    """An archive of a training result."""
    return archive(tmp_path / "result.tar.gz", parameters='{"bias": 1, "weights": {"rooms": 2}}')


@pytest.fixture
def run(command: Path, environ: dict[str, str], model: Path) -> Run:
    """Runs `run-local` on the example: ``run("--training-result", ...)``."""

    def run_local(*arguments: object, **variables: str) -> "subprocess.CompletedProcess[str]":
        return subprocess.run(
            [
                *(str(command), "run-local", "--image", "abeja/all-cpu:19.04", "--model-dir", str(model)),
                *("--input", str(model / "request.json"), *map(str, arguments)),
            ],
            env={**environ, **variables},
            capture_output=True,
            text=True,
            check=False,
        )

    return run_local


def estimate(process: "subprocess.CompletedProcess[str]") -> float:
    assert process.returncode == 0, process.stderr
    value: float = json.loads(process.stdout)["estimate"]
    return value


def test_handler_finds_the_training_result_of_an_archive(run: Run, model: Path, result: Path) -> None:
    process = run("--training-result", result)

    assert estimate(process) == 7
    assert names_in(model) == {"main.py", "request.json", "abejainc_training_result"}
    assert "1 members, 36 bytes" in process.stderr


def test_second_start_leaves_it_as_it_is(run: Run, model: Path, result: Path) -> None:
    run("--training-result", result)
    (model / "abejainc_training_result/parameters.json").write_text('{"bias": 9, "weights": {}}')

    process = run("--training-result", result)

    assert estimate(process) == 9
    assert "already" in process.stderr


def test_changed_and_other_sources_replace_it(run: Run, model: Path, result: Path, tmp_path: Path) -> None:
    run("--training-result", result)
    archive(result, parameters='{"bias": 100, "weights": {}}', more="{}")
    assert estimate(run("--training-result", result)) == 100

    folder = tmp_path / "folder"
    folder.mkdir()
    (folder / "parameters.json").write_text('{"bias": 4, "weights": {}}')
    assert estimate(run("--training-result", folder)) == 4
    assert not (model / "abejainc_training_result/more.json").exists()

    (folder / "parameters.json").write_text('{"bias": 55, "weights": {}}')
    assert estimate(run("--training-result", folder.as_uri())) == 55


def test_folder_of_others_is_never_overwritten(run: Run, model: Path, result: Path) -> None:
    (model / "abejainc_training_result").mkdir()
    (model / "abejainc_training_result/precious").write_text("kept")

    process = run("--training-result", result, "--quiet")

    assert (process.returncode, process.stdout) == (2, "")
    assert process.stderr.startswith("Error: folder-occupied: ")
    assert [path.name for path in (model / "abejainc_training_result").iterdir()] == ["precious"]


def test_empty_folder_of_others_is_filled(run: Run, model: Path, result: Path) -> None:
    (model / "abejainc_training_result").mkdir()

    assert estimate(run("--training-result", result)) == 7


def test_variable_names_the_folder(run: Run, model: Path, result: Path, tmp_path: Path) -> None:
    folder = tmp_path / "deep/er/results"

    process = run(ABEJA_TRAINING_RESULT_DIR=str(folder), ABEJA_RUNTIME_TRAINING_RESULT=str(result))

    assert estimate(process) == 7
    assert (folder / "parameters.json").exists()
    assert not (model / "abejainc_training_result").exists()


def test_refused_archive_leaves_the_old_result_and_nothing_else(run: Run, model: Path, result: Path) -> None:
    run("--training-result", result)
    result.write_bytes(result.read_bytes()[:-3])

    process = run("--training-result", result, "--quiet")

    assert process.returncode == 3
    assert "archive-unreadable" in process.stderr
    assert names_in(model) == {"main.py", "request.json", "abejainc_training_result"}
    assert "36" not in process.stdout
    assert (model / "abejainc_training_result/parameters.json").exists()


def test_refused_archive_does_not_leave_folders_on_the_way(run: Run, result: Path, tmp_path: Path) -> None:
    result.write_bytes(b"damaged")

    process = run("--training-result", result, ABEJA_TRAINING_RESULT_DIR=str(tmp_path / "deep/er/results"))

    assert process.returncode == 3
    assert not (tmp_path / "deep").exists()


@pytest.mark.parametrize(
    ("text", "code", "slug"),
    [
        ("missing.tar.gz", 3, "source-failed"),
        ("file://elsewhere/x", 3, "source-failed"),
        ("http://", 3, "source-failed"),
        ("http://[1/x", 3, "source-failed"),
        ("http://127.0.0.1:99999/x", 3, "source-failed"),
        ("ftp://127.0.0.1/x", 2, "source-unknown"),
        ("x#sha256=123", 2, "option-invalid"),
    ],
)
def test_what_cannot_be_fetched_is_named(run: Run, text: str, code: int, slug: str) -> None:
    process = run("--training-result", text, "--quiet")

    assert (process.returncode, process.stdout) == (code, "")
    assert process.stderr.startswith(f"Error: {slug}: ")


def test_checksum_is_compared(run: Run, model: Path, result: Path) -> None:
    wrong = run("--training-result", f"{result}#sha256={'0' * 64}", "--quiet")
    assert (wrong.returncode, wrong.stdout) == (3, "")
    assert "checksum-mismatch" in wrong.stderr
    assert not (model / "abejainc_training_result").exists()

    digest = hashlib.sha256(result.read_bytes()).hexdigest()
    assert estimate(run("--training-result", f"{result}#sha256={digest.upper()}")) == 7
    moved = result.rename(result.with_name("moved"))
    assert "already" in run("--training-result", f"{moved}#sha256={digest}").stderr


def test_own_folder_as_the_source_is_not_copied_into_itself(run: Run, model: Path) -> None:
    before = names_in(model)

    process = run("--training-result", model)

    assert process.returncode == 3
    assert "its own destination" in process.stderr
    assert names_in(model) == before


class _Files(http.server.SimpleHTTPRequestHandler):
    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 (its name in http.server)
        """Nothing."""


@pytest.fixture
def url(tmp_path: Path) -> Iterator[str]:
    """A server of the files in the test's folder."""
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), partial(_Files, directory=str(tmp_path)))
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    if thread.is_alive():
        server.shutdown()
    server.server_close()


def test_url_is_downloaded_once(run: Run, result: Path, url: str) -> None:
    assert estimate(run("--training-result", f"{url}/{result.name}", no_proxy="*")) == 7
    result.unlink()

    assert estimate(run("--training-result", f"{url}/{result.name}", no_proxy="*")) == 7


def test_served_handler_has_its_training_result(
    command: Path, environ: dict[str, str], model: Path, result: Path
) -> None:
    process = subprocess.Popen(
        [
            *(command, "--image-version", "19.04", "--port", "0", "--health-port", "0"),
            *("--model-dir", model, "--training-result", result),
        ],
        env=environ,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stderr is not None
    is_ready = any("ready: main:handler" in line for line in process.stderr)
    process.send_signal(signal.SIGTERM)
    process.communicate()

    assert (is_ready, process.returncode) == (True, 0)
    assert (model / "abejainc_training_result/parameters.json").exists()


def training_result(path: Path, *, extractors: list[Extractor] | None = None) -> TrainingResult:
    plugins = Plugins.installed()
    return TrainingResult(
        requested=RequestedSource.parse(str(path)),
        source=plugins.source(str(path)),
        extractors=plugins.extractors() if extractors is None else extractors,
        limits=Limits(total_bytes=1024**3),
    )


def _prepare_and_count(path: Path, folder: Path, counts: Path) -> None:
    def counted(text: str, fetch: Fetch) -> Path:
        with (counts / str(os.getpid())).open("x"):
            return inner.source.fetch(text, fetch)

    inner = training_result(path)
    source = ResultSource(name="file", takes=inner.source.takes, state=inner.source.state, fetch=counted)
    TrainingResult(requested=inner.requested, source=source, extractors=inner.extractors, limits=inner.limits).prepare(
        folder
    )
    assert (folder / "parameters.json").exists()


def test_of_concurrent_starts_one_does_it(result: Path, tmp_path: Path) -> None:
    (tmp_path / "counts").mkdir()
    context = multiprocessing.get_context("fork")
    arguments = (result, tmp_path / "place", tmp_path / "counts")
    processes = [context.Process(target=_prepare_and_count, args=arguments) for _ in range(8)]
    for process in processes:
        process.start()
    for process in processes:
        process.join()

    assert [process.exitcode for process in processes] == [0] * 8
    assert len(list((tmp_path / "counts").iterdir())) == 1
    assert {path.name for path in tmp_path.iterdir()} == {"counts", "place", result.name}


def _prepare_without_end(path: Path, folder: Path) -> None:
    def members(_: Path) -> Iterator[Member]:
        yield Member(name="whole", size_bytes=1, chunks=[b"w"])
        yield Member(name="half", size_bytes=10**6, chunks=chunks())

    def chunks() -> Iterator[bytes]:
        yield bytes(1000)
        threading.Event().wait()

    training_result(path, extractors=[_extractor(members)]).prepare(folder)


def test_what_a_killed_start_has_left_is_cleared_up(result: Path, tmp_path: Path) -> None:
    process = multiprocessing.get_context("fork").Process(
        target=_prepare_without_end, args=(result, tmp_path / "place")
    )
    process.start()
    while not list(tmp_path.glob(".place.abeja-new-*/half")):
        assert process.is_alive()
    process.kill()
    process.join()
    assert list(tmp_path.glob(".place.*"))
    assert not (tmp_path / "place").exists()

    training_result(result).prepare(tmp_path / "place")

    assert {path.name for path in tmp_path.iterdir()} == {"place", result.name}


@pytest.mark.parametrize("signal_number", [signal.SIGTERM, signal.SIGINT])
def test_start_that_is_stopped_leaves_nothing(
    command: Path, environ: dict[str, str], model: Path, result: Path, signal_number: int
) -> None:
    # Held by the test: the command waits for it.
    lock = os.open(model / ".abejainc_training_result.abeja-lock", os.O_CREAT | os.O_RDWR)
    fcntl.flock(lock, fcntl.LOCK_EX)
    process = subprocess.Popen(
        [
            *(str(command), "run-local", "--image-version", "19.04", "--model-dir", str(model)),
            *("--input", str(model / "request.json"), "--training-result", str(result)),
        ],
        env=environ,
        stderr=subprocess.DEVNULL,
    )
    _wait_until_blocked_by(lock, process.pid)
    process.send_signal(signal_number)

    assert process.wait(20) == 128 + signal_number
    os.unlink(model / ".abejainc_training_result.abeja-lock")  # noqa: PTH108 (as os.open above)
    os.close(lock)
    assert names_in(model) == {"main.py", "request.json"}


def _wait_until_blocked_by(lock: int, pid: int) -> None:
    """Wait until the kernel lists a process as waiting for the lock."""
    inode = os.fstat(lock).st_ino
    for _ in range(400):
        if any(
            "->" in line and f" {pid} " in line and f":{inode} " in line
            for line in Path("/proc/locks").read_text().splitlines()
        ):
            return
        threading.Event().wait(0.05)
    pytest.fail("the command does not wait for the lock")


def _extractor(members: Callable[[Path], Iterator[Member]]) -> Extractor:
    return Extractor(name="third", recognises=lambda _: True, members=members)


def test_extractor_of_a_third_party_cannot_be_unsafe(result: Path, tmp_path: Path) -> None:
    def raising(_: Path) -> Iterator[Member]:
        yield Member(name="a", size_bytes=1, chunks=[b"a"])
        raise KeyError("bug")

    def wrong(_: Path) -> Iterator[Member]:
        yield "a"  # type: ignore[misc] # what a careless plugin does

    def short(_: Path) -> Iterator[Member]:
        yield Member(name="a", size_bytes=2, chunks=[b"a"])

    for members, words in ((raising, "bug"), (wrong, "not a member"), (short, "early")):
        with pytest.raises(ArchiveUnreadableError, match=words):
            training_result(result, extractors=[_extractor(members)]).prepare(tmp_path / "place")
        assert [path.name for path in tmp_path.iterdir()] == [result.name]


def test_archive_that_may_not_be_read_is_named(tmp_path: Path) -> None:
    missing = tmp_path / "link"
    missing.symlink_to("nowhere")

    with pytest.raises(ArchiveUnreadableError, match="No such file"):
        choose(missing, Plugins.installed().extractors())


def test_place_that_another_process_has_filled_is_left_to_it(tmp_path: Path) -> None:
    place = Place(tmp_path / "place")
    with place.locked(), place.new_folder() as new:
        (tmp_path / "place").mkdir()
        (tmp_path / "place/file").touch()
        with pytest.raises(FolderOccupiedError):
            place.put(new)

    assert [path.name for path in tmp_path.rglob("*")] == ["place", "file"]


def test_full_disk_is_named_and_nothing_is_left(result: Path, tmp_path: Path) -> None:
    resource = pytest.importorskip("resource")

    def large(_: Path) -> Iterator[Member]:
        yield Member(name="a", size_bytes=10**6, chunks=[bytes(10**6)])

    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    ignored = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, before[1]))
    try:
        with pytest.raises(ExtractionFailedError, match=os.strerror(errno.EFBIG)):
            training_result(result, extractors=[_extractor(large)]).prepare(tmp_path / "place")
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
        signal.signal(signal.SIGXFSZ, ignored)

    assert [path.name for path in tmp_path.iterdir()] == [result.name]


def test_destination_that_is_a_link_keeps_being_one(result: Path, tmp_path: Path) -> None:
    (tmp_path / "real").mkdir()
    (tmp_path / "link").symlink_to("real")

    training_result(result).prepare(tmp_path / "link")

    assert (tmp_path / "link").is_symlink()
    assert (tmp_path / "real/parameters.json").exists()


def test_destination_that_is_a_file_is_an_error(result: Path, tmp_path: Path) -> None:
    (tmp_path / "place").write_text("precious")

    with pytest.raises(FolderOccupiedError):
        training_result(result).prepare(tmp_path / "place")
    assert (tmp_path / "place").read_text() == "precious"


def test_marker_in_an_archive_is_not_believed(result: Path, tmp_path: Path) -> None:
    training_result(result).prepare(tmp_path / "place")
    again = tmp_path / "again.tar"
    with tarfile.open(again, "w") as tar:
        tar.add(tmp_path / "place", ".")

    training_result(again).prepare(tmp_path / "other")
    training_result(result).prepare(tmp_path / "other")

    assert (tmp_path / "other/parameters.json").exists()
