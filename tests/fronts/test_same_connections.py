"""What is said of many connections holds for two fronts."""

from tests.faults.test_connections import (
    limited,
    test_connections_beyond_the_limit_wait_and_health_does_not,
    test_connections_that_come_and_go_are_counted_right,
    test_idle_connections_make_room,
    test_without_descriptors_the_server_waits_and_recovers,
)

__all__ = [
    "limited",
    "test_connections_beyond_the_limit_wait_and_health_does_not",
    "test_connections_that_come_and_go_are_counted_right",
    "test_idle_connections_make_room",
    "test_without_descriptors_the_server_waits_and_recovers",
]
