"""The command line: ``python -m bench``."""

import argparse
import signal
import sys
from pathlib import Path
from types import FrameType
from typing import NoReturn, TypeVar

from bench import traffic
from bench.environments import cache
from bench.report import report
from bench.results import read
from bench.run import Run
from bench.servers import Server, servers
from bench.workload import Workload
from bench.workloads import WORKLOADS

_Value = TypeVar("_Value")

RESULTS = Path(__file__).with_name("results")

_DESCRIPTION = """\
Compares abeja-runtime with other servers on this machine.

Each server gets an environment of its own, which is made when it is first needed (several minutes and about 2 GB for
all of them) and kept in a cache. For most workloads all servers are up at once and visited in turn, round after round,
so that whatever else the machine does hits all of them; a ratio is taken within one round. Absolute numbers are worth
little beyond the machine and the minute in which they were measured: read the ratios.
"""

_EPILOG = """\
examples:
  python -m bench                                          everything, about an hour
  python -m bench --only json-c1,json-c32 --servers ours,fastapi
  python -m bench --only start-warm,version --rounds 5
  python -m bench --prepare                                make the environments, measure nothing
  python -m bench --show bench/results/latest.json         the tables of an earlier run

wrk makes the load if it is installed (Debian: apt install wrk), else a client of ours that is slower.
See docs/explanation/performance.md on how to read the tables.
"""


def main(arguments: list[str] | None = None) -> int:
    """Run the command line; the exit code is 1 if nothing could be measured."""
    options = _parser().parse_args(arguments)
    if options.list:
        print(_listing())
        return 0
    if options.show:
        print(report(read(options.show), WORKLOADS))
        return 0
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, _interrupt)
    run = Run(
        servers=options.servers,
        workloads=options.only,
        rounds=options.rounds,
        seconds=options.seconds,
        refresh=options.refresh,
        tell=_Progress(),
    )
    return _finish(run, options.output, is_only_prepared=options.prepare)


def _finish(run: Run, output: Path, *, is_only_prepared: bool) -> int:
    try:
        run.prepare()
        if not is_only_prepared:
            run.measure()
    except KeyboardInterrupt:
        print("\nended before time; what was measured so far:", file=sys.stderr)
        code = 130
    else:
        has_figures = any(series.rounds for found in run.results.workloads.values() for series in found.values())
        code = 0 if is_only_prepared or has_figures else 1
    _Progress.clear()
    print(report(run.results, WORKLOADS))
    if not is_only_prepared:
        run.results.save(output)
        print(f"\nkept in {output}", file=sys.stderr)
    return code


class _Progress:
    """One line on a terminal, which the next one replaces; else a line each."""

    def __call__(self, line: str) -> None:
        if sys.stderr.isatty():
            print(f"\r\x1b[K{line}", end="", file=sys.stderr, flush=True)
        else:
            print(line, file=sys.stderr, flush=True)

    @staticmethod
    def clear() -> None:
        if sys.stderr.isatty():
            print("\r\x1b[K", end="", file=sys.stderr, flush=True)


def _interrupt(_number: int, _frame: FrameType | None) -> NoReturn:
    raise KeyboardInterrupt


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m bench",
        description=_DESCRIPTION,
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument(
        "--only", type=_workloads, default=list(WORKLOADS.values()), metavar="WORKLOAD,...", help="measure these only"
    )
    parser.add_argument(
        "--servers", type=_servers, default=list(servers().values()), metavar="SERVER,...", help="measure these only"
    )
    parser.add_argument("--rounds", type=_rounds, default=3, metavar="N", help="visits of each server; default 3")
    parser.add_argument("--seconds", type=_seconds, default=3.0, metavar="S", help="time of each load; default 3")
    parser.add_argument(
        "--output",
        type=Path,
        default=RESULTS / "latest.json",
        metavar="FILE",
        help="where the figures are kept; default bench/results/latest.json",
    )
    parser.add_argument("--refresh", action="store_true", help=f"make the environments anew; they are in {cache()}")
    parser.add_argument("--prepare", action="store_true", help="make the environments and end")
    parser.add_argument("--list", action="store_true", help="list the workloads and the servers")
    parser.add_argument("--show", type=Path, metavar="FILE", help="print the tables of an earlier run")
    return parser


def _listing() -> str:
    lines = ["workloads:"]
    lines += [f"  {workload.name:<20}{workload.title}" for workload in WORKLOADS.values()]
    lines += ["servers:"]
    lines += [f"  {server.name:<20}{server.title}" for server in servers().values()]
    lines += [f"client: {traffic.client_name()}"]
    return "\n".join(lines)


def _workloads(text: str) -> list[Workload]:
    return _chosen(text, WORKLOADS, "workload")


def _servers(text: str) -> list[Server]:
    return _chosen(text, servers(), "server")


def _chosen(text: str, known: dict[str, _Value], kind: str) -> list[_Value]:
    names = [name.strip() for name in text.split(",") if name.strip()]
    unknown = [name for name in names if name not in known]
    if unknown or not names:
        raise argparse.ArgumentTypeError(f"no {kind} {', '.join(unknown) or text!r}; there are {', '.join(known)}")
    return [value for name, value in known.items() if name in names]


def _rounds(text: str) -> int:
    return int(_within(text, 1, 100))


def _seconds(text: str) -> float:
    return _within(text, 0.5, 600)


def _within(text: str, least: float, most: float) -> float:
    try:
        number = float(text)
    except ValueError:
        number = least - 1
    if not least <= number <= most:
        raise argparse.ArgumentTypeError(f"{text!r} is not a number from {least:g} to {most:g}")
    return number


if __name__ == "__main__":
    sys.exit(main())
