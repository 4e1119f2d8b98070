"""Starts servers, waits until they answer, and ends them with all of their processes."""

import contextlib
import http.client
import os
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path

from bench import original_socket, processes, traffic
from bench.environments import Environment
from bench.exchange import Request, StatusError, answer
from bench.jobs import EXAMPLES, JOBS, Job
from bench.load import Load, Shape
from bench.servers import HANDLERS, Server

_START_TIMEOUT_S = 90
# The request is wrong: another moment changes nothing.
_FINAL_STATUSES = {400, 405, 413, 415, 422, 500}
_STOP_TIMEOUT_S = 10
_KILL_TIMEOUT_S = 5
_POLL_S = 0.005
_UPLOAD_TIMEOUT_S = 300
# Variables that would change what is measured.
_NOT_PASSED_ON = ("PYTHONDONTWRITEBYTECODE", "PYTHONPATH", "PYTHONSTARTUP", "VIRTUAL_ENV")


class StartError(Exception):
    """A server did not start, or gives wrong answers; the text says why."""


@dataclass(kw_only=True)
class Running:
    """A server that runs one job.

    Attributes:
        server: which one.
        job: what it does.
        process: the process that was started.
        port: where it answers.
        socket: where it answers, if it does not speak HTTP.
        log: takes its output.
        began: `time.perf_counter` of its start.
    """

    server: Server
    job: Job
    process: subprocess.Popen[bytes]
    port: int
    socket: Path
    log: Path
    began: float = field(default_factory=time.perf_counter)

    @property
    def pid(self) -> int:
        """The id of the process that was started."""
        return self.process.pid

    def request(self) -> Request:
        """The request of the job."""
        return Request(
            port=self.port,
            path=self.server.jobs[self.job.name],
            body=self.job.wrapped(self.server.wrap),
            content_type=self.job.content_type,
        )

    def upload_request(self) -> Request:
        """The request of the job, with the patience that an upload needs."""
        return replace(self.request(), timeout_s=_UPLOAD_TIMEOUT_S)

    def health_request(self) -> Request:
        """A request to the health check, if there is one."""
        assert self.server.health is not None  # noqa: S101 # asked before
        return Request(port=self.port, path=self.server.health)

    def answer(self) -> bytes:
        """The answer to the request of the job."""
        if self.server.transport == "socket":
            return original_socket.answer(self.socket, self.request())
        return answer(self.request())

    def load(self, shape: Shape) -> Load:
        """Send it the request of the job again and again."""
        if self.server.transport == "socket":
            return original_socket.load(self.socket, self.request(), shape)
        return traffic.load(self.request(), shape)

    def wait_until_it_answers(self) -> float:
        """Seconds from its start to the first right answer.

        Raises:
            StartError: there is none in time.
        """
        problem = "it does not listen"
        # Others that were started with it may have been waited for.
        give_up = time.perf_counter() + _START_TIMEOUT_S
        while time.perf_counter() < give_up:
            if self.process.poll() is not None:
                raise StartError(f"it ended with exit code {self.process.returncode}: {self._last_line()}")
            try:
                body = self.answer()
            except (OSError, http.client.HTTPException) as error:
                problem = str(error) or type(error).__name__
                if isinstance(error, StatusError) and error.status in _FINAL_STATUSES:
                    break
                time.sleep(_POLL_S)
                continue
            if not self.job.is_answer(body):
                raise StartError(f"a wrong answer: {body[:200]!r}")
            return time.perf_counter() - self.began
        raise StartError(f"no right answer: {problem}; the end of its log: {self._last_line()}")

    def _last_line(self) -> str:
        lines = self.log.read_text(encoding="utf-8", errors="replace").strip().splitlines()
        return lines[-1] if lines else "no output"


@contextmanager
def started(
    server: Server, environment: Environment, job: str, *, variables: Mapping[str, str] | None = None
) -> Iterator[Running]:
    """Start a server for a job; it may not answer yet. It is gone at the end of the context.

    Args:
        server: which one.
        environment: its environment.
        job: the name of the job.
        variables: on top of those of the server.
    """
    with tempfile.TemporaryDirectory(prefix="abeja-runtime-bench-", ignore_cleanup_errors=True) as folder:
        scratch = Path(folder)
        model, handler_job = _model(scratch, job)
        port, port2, port3 = _free_ports(3)
        address = scratch / "ipc.sock"
        words = {
            "bin": environment.programs,
            "port": port,
            "port2": port2,
            "port3": port3,
            "job": handler_job,
            "model": model,
            "socket": address,
        }
        # What it leaves behind goes with the folder.
        (scratch / "tmp").mkdir()
        own = {name: value.format(**words) for name, value in server.variables.items()}
        log = scratch / "log"
        with log.open("wb") as output:
            process = subprocess.Popen(
                [word.format(**words) for word in server.command],
                cwd=model if server.transport == "socket" else server.folder,
                env={
                    **_inherited(environment),
                    **own,
                    "TMPDIR": str(scratch / "tmp"),
                    **(variables or {}),
                },
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                # Its own session: what it starts can be found, and Ctrl-C is ours alone.
                start_new_session=True,
            )
        try:
            yield Running(
                server=server,
                job=JOBS[job],
                process=process,
                port=port,
                socket=address,
                log=log,
            )
        finally:
            stop(process)


def stop(process: subprocess.Popen[bytes]) -> None:
    """End a process and all that it has started, kindly at first."""
    members = {stat.pid for stat in processes.processes(process.pid)}
    with contextlib.suppress(ProcessLookupError):
        process.terminate()
    with contextlib.suppress(subprocess.TimeoutExpired):
        process.wait(_STOP_TIMEOUT_S)
    members |= {stat.pid for stat in processes.processes(process.pid)}
    # Processes that have ended meanwhile are not there any more; ids are not used again so soon.
    for pid in members:
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
    process.wait(_KILL_TIMEOUT_S)


def _inherited(environment: Environment) -> dict[str, str]:
    kept = {
        name: value
        for name, value in os.environ.items()
        if name not in _NOT_PASSED_ON and not name.startswith("ABEJA_")
    }
    return {**kept, "PATH": f"{environment.programs}{os.pathsep}{kept.get('PATH', os.defpath)}"}


def _model(scratch: Path, job: str) -> tuple[Path, str]:
    """A folder with the handler alone, so that nothing is installed for it; and the name of its function."""
    model = scratch / "model"
    model.mkdir()
    if job == "flip":
        shutil.copy(EXAMPLES / "flip" / "main.py", model)
        return model, "handler"
    shutil.copy(HANDLERS / "main.py", model)
    return model, job


def _free_ports(count: int) -> list[int]:
    """Ports of 127.0.0.1 that nobody has at the moment."""
    with contextlib.ExitStack() as stack:
        sockets = [stack.enter_context(socket.socket()) for _ in range(count)]
        for sock in sockets:
            sock.bind(("127.0.0.1", 0))
        return [sock.getsockname()[1] for sock in sockets]
