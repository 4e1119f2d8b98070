"""How much memory a process has, how much it may have, and whether the kernel ran out of it."""

import contextlib
import os
import resource
from pathlib import Path

_PAGE_BYTES = resource.getpagesize()
_TICKS = os.sysconf("SC_CLK_TCK")
_CGROUPS = Path("/sys/fs/cgroup")


def resident_bytes(pid: int) -> int:
    """The resident memory of a process; 0 if it has gone."""
    try:
        return int(Path(f"/proc/{pid}/statm").read_text(encoding="ascii").split()[1]) * _PAGE_BYTES
    except (OSError, IndexError, ValueError):
        return 0


def cpu_s(pid: int) -> float:
    """The processor time that a process has used, that of its threads included; 0 if it has gone."""
    try:
        # After the name, which may hold anything: proc(5), fields 14 and 15.
        fields = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8", errors="replace").rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / _TICKS
    except (OSError, IndexError, ValueError):
        return 0.0


def peak_of_ended_children_bytes() -> int:
    """The largest resident memory that any child had that has been waited for."""
    return resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss * 1024


def limit_bytes() -> int:
    """What this process and its children may use together: the control group's limit, or the machine's memory.

    0 if it cannot be read.
    """
    machine = _machine_bytes()
    for file in (_own_group("") / "memory.max", _own_group("memory") / "memory.limit_in_bytes"):
        with contextlib.suppress(OSError, ValueError):
            return min(machine, int(file.read_text(encoding="ascii")))
    return machine


def kills_for_lack() -> int:
    """How many processes the kernel has killed for lack of memory: of the control group, or else of the machine."""
    files = (_own_group("") / "memory.events", _own_group("memory") / "memory.oom_control", Path("/proc/vmstat"))
    for file in files:
        with contextlib.suppress(OSError):
            for line in file.read_text(encoding="ascii").splitlines():
                name, _, value = line.partition(" ")
                if name == "oom_kill":
                    return int(value)
    return 0


def shown(size_bytes: int) -> str:
    """A size for people, such as ``1.5 GiB``."""
    unit = "GiB" if size_bytes >= 1024**3 else "MiB"
    return f"{size_bytes / 1024 ** (3 if unit == 'GiB' else 2):.1f} {unit}"


def _machine_bytes() -> int:
    # The end of a worker is looked into also when no descriptor is left.
    with contextlib.suppress(OSError):
        for line in Path("/proc/meminfo").read_text(encoding="ascii").splitlines():
            if line.startswith("MemTotal:"):
                return int(line.split()[1]) * 1024
    return 0


def _own_group(controller: str) -> Path:
    """The folder of the control group that this process is in: version 2, or version 1 of a `controller`."""
    with contextlib.suppress(OSError):
        for line in Path("/proc/self/cgroup").read_text(encoding="utf-8").splitlines():
            _, controllers, path = line.split(":", 2)
            if controller in controllers.split(","):
                group = _CGROUPS / controller / path.lstrip("/")
                # In a container the path may be that of the host, and the folder the container's.
                return group if group.is_dir() else _CGROUPS / controller
    return _CGROUPS / controller
