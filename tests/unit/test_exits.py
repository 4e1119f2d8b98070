"""How the end of a process is put into words."""

import re
import signal

import pytest

from abeja.runtime.pool import exits
from abeja.runtime.pool.limits import Limits


@pytest.mark.parametrize(
    ("code", "reason", "cause"),
    [
        (0, "ended with exit code 0", "exit-0"),
        (7, "ended with exit code 7", "exit-7"),
        (-signal.SIGKILL, "was killed by SIGKILL", "SIGKILL"),
        (-signal.SIGSEGV, "was killed by SIGSEGV", "SIGSEGV"),
        (-63, "was killed by 63", "63"),
    ],
)
def test_reason_and_cause_of_an_exit_code(code: int, reason: str, cause: str) -> None:
    assert exits.of_code(code, exits.MemoryWitness()) == (reason, cause)


def test_a_killed_process_that_used_nearly_all_memory_is_said_to_have_run_out_of_it() -> None:
    witness = exits.MemoryWitness()
    witness.resident_bytes = 1 << 60

    reason, cause = exits.of_code(-signal.SIGKILL, witness)

    shown = r"was killed by SIGKILL, (probably )?out of memory: it used [\d.]+ GiB, and the limit is [\d.]+ GiB"
    assert re.fullmatch(shown, reason)
    assert cause == "out-of-memory"
    assert exits.of_code(-signal.SIGSEGV, witness) == ("was killed by SIGSEGV", "SIGSEGV")


def test_limits_of_workers_differ_by_up_to_a_tenth() -> None:
    limits = [Limits(requests=1000, resident_bytes=10, age_s=100.0).with_jitter() for _ in range(200)]

    requests = [limit.requests or 0 for limit in limits]
    assert 1000 <= min(requests) < max(requests) <= 1100
    assert {limit.resident_bytes for limit in limits} == {10}
    assert all(100 <= (limit.age_s or 0) <= 110 for limit in limits)


def test_no_limits_are_never_reached() -> None:
    assert Limits().with_jitter().reached(requests=1 << 40, resident_bytes=1 << 60, age_s=1e9) == ""
