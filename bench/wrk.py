"""The load generator wrk, if the machine has it.

A script in Lua gives it the request and prints what it has measured as one line of JSON: its own text output rounds.
"""

import json
import math
import subprocess
import tempfile
from pathlib import Path

from bench.exchange import Request
from bench.load import Load, LoadError, Shape

# After its time is over, wrk waits for nothing but its own threads.
_GRACE_S = 15
_MARK = "bench-result "
_MICROSECONDS_PER_MS = 1000
_MICROSECONDS_PER_S = 1_000_000

_SCRIPT = """
local body = io.open("{body}", "rb")
wrk.method = "{method}"
wrk.body = body:read("*a")
body:close()
wrk.headers["Content-Type"] = "{content_type}"
{connection}

function done(summary, latency, requests)
  local e = summary.errors
  print(string.format(
    '{mark}{{"requests": %d, "duration_us": %d, "p50_us": %d, "p99_us": %d, "errors": %d}}',
    summary.requests, summary.duration, latency:percentile(50), latency:percentile(99),
    e.connect + e.read + e.write + e.status + e.timeout))
end
"""


def load(program: str, request: Request, shape: Shape) -> Load:
    """Make the load with wrk.

    Args:
        program: its path.
        request: what is sent.
        shape: how.

    Raises:
        LoadError: wrk fails.
    """
    with tempfile.TemporaryDirectory(prefix="abeja-runtime-bench-") as folder:
        script = _script(Path(folder), request, shape)
        command = [
            program,
            "--threads", "1",
            "--connections", str(shape.connections),
            # It takes whole seconds.
            "--duration", f"{math.ceil(shape.seconds)}s",
            "--timeout", f"{request.timeout_s:g}s",
            "--script", str(script),
            f"http://127.0.0.1:{request.port}{request.path}",
        ]  # fmt: skip
        try:
            done = subprocess.run(
                command,
                check=False,
                capture_output=True,
                text=True,
                timeout=shape.seconds + request.timeout_s + _GRACE_S,
            )
        except subprocess.TimeoutExpired as error:
            raise LoadError(f"wrk did not end within {error.timeout:g} s") from error
    return parse(done.stdout, done.stderr)


def parse(output: str, errors: str = "") -> Load:
    """What wrk has printed.

    Args:
        output: its standard output, with the line of the script above.
        errors: its standard error, for the message.

    Raises:
        LoadError: the line is not there.
    """
    for line in output.splitlines():
        if line.startswith(_MARK):
            facts = json.loads(line.removeprefix(_MARK))
            return Load(
                requests=facts["requests"],
                seconds=facts["duration_us"] / _MICROSECONDS_PER_S,
                p50_ms=facts["p50_us"] / _MICROSECONDS_PER_MS,
                p99_ms=facts["p99_us"] / _MICROSECONDS_PER_MS,
                errors=facts["errors"],
            )
    raise LoadError(f"wrk failed: {(errors or output).strip() or 'no output'}")


def _script(folder: Path, request: Request, shape: Shape) -> Path:
    body, script = folder / "body", folder / "request.lua"
    body.write_bytes(request.body or b"")
    script.write_text(
        _SCRIPT.format(
            body=body,
            method="GET" if request.body is None else "POST",
            content_type=request.content_type,
            connection="" if shape.keep_alive else 'wrk.headers["Connection"] = "close"',
            mark=_MARK,
        ),
        encoding="utf-8",
    )
    return script
