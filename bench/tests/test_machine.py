import os
from pathlib import Path

from bench import machine


def test_the_time_in_which_processes_wake_each_other_is_measured_and_leaves_no_process() -> None:
    children = Path(f"/proc/self/task/{os.getpid()}/children")
    before = children.read_text(encoding="ascii")

    assert 0 < machine.round_trip_us() < 1_000_000
    assert children.read_text(encoding="ascii") == before
    assert machine.facts()["round trip"].endswith(" us")
