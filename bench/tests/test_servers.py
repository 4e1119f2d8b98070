import pytest

from bench.jobs import JOBS
from bench.servers import PEERS, REFERENCE, Server, servers
from bench.workloads import WORKLOADS


def test_every_folder_of_a_peer_is_one() -> None:
    assert {path.name for path in PEERS.iterdir()} <= servers().keys()


def test_reference_comes_first() -> None:
    assert next(iter(servers())) == REFERENCE


@pytest.mark.parametrize("server", servers().values(), ids=servers())
def test_server_does_known_jobs_or_says_why_not(server: Server) -> None:
    assert server.jobs
    assert server.jobs.keys() | server.missing.keys() >= JOBS.keys() - {"flip"}
    assert server.jobs.keys() | server.missing.keys() <= JOBS.keys()


@pytest.mark.parametrize("server", servers().values(), ids=servers())
def test_command_listens_where_it_is_told(server: Server) -> None:
    text = " ".join([*server.command, *server.variables.values()])

    assert "{socket}" in text if server.transport == "socket" else "{port}" in text


def test_jobs_of_the_workloads_exist() -> None:
    assert {workload.job for workload in WORKLOADS.values()} == JOBS.keys()
