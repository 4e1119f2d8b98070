"""What is said of the life of one process holds for two fronts."""

from tests.end_to_end.test_life_cycle import (
    slow_to_import,
    test_a_body_above_the_limit_is_413_with_the_limit,
    test_a_broken_upload_leaves_no_file,
    test_a_client_that_asks_before_it_sends_gets_413_instead_of_100,
    test_a_full_disk_is_507_for_that_request,
    test_a_port_in_use_is_exit_code_5,
    test_a_second_signal_stops_at_once,
    test_a_waiting_request_whose_client_left_is_not_run,
    test_an_upload_that_was_admitted_is_served_after_the_signal,
    test_health_is_503_until_the_handler_is_loaded,
    test_requests_beyond_the_queue_are_429,
    test_sigterm_while_the_handler_loads_stops_at_once,
    test_spool_files_are_private_and_gone_after_the_answer,
    test_stop_lets_running_requests_finish_and_leaves_nothing,
)
from tests.faults.test_supervision import (
    test_a_killed_server_leaves_no_file,
    test_what_a_handler_started_ends_with_its_worker,
)

__all__ = [
    "slow_to_import",
    "test_a_body_above_the_limit_is_413_with_the_limit",
    "test_a_broken_upload_leaves_no_file",
    "test_a_client_that_asks_before_it_sends_gets_413_instead_of_100",
    "test_a_full_disk_is_507_for_that_request",
    "test_a_killed_server_leaves_no_file",
    "test_a_port_in_use_is_exit_code_5",
    "test_a_second_signal_stops_at_once",
    "test_a_waiting_request_whose_client_left_is_not_run",
    "test_an_upload_that_was_admitted_is_served_after_the_signal",
    "test_health_is_503_until_the_handler_is_loaded",
    "test_requests_beyond_the_queue_are_429",
    "test_sigterm_while_the_handler_loads_stops_at_once",
    "test_spool_files_are_private_and_gone_after_the_answer",
    "test_stop_lets_running_requests_finish_and_leaves_nothing",
    "test_what_a_handler_started_ends_with_its_worker",
]
