"""What is said of handlers that misbehave holds for two fronts."""

from tests.end_to_end.test_misbehaving_handlers import (
    HANDLER_FOLDER,
    test_a_handler_that_takes_too_long_is_504_and_replaced,
    test_a_refused_stream_gives_its_worker_back,
    test_a_slow_client_is_not_the_handlers_fault,
    test_death_of_a_worker_is_502_for_its_request_alone,
    test_output_is_in_the_log_with_worker_and_request,
    test_what_a_handler_does_to_its_process_breaks_nothing,
    test_whatever_a_handler_raises_is_500_and_the_worker_lives_on,
)
from tests.faults.test_handler_faults import test_a_temporary_folder_that_a_handler_clears_is_made_again

__all__ = [
    "HANDLER_FOLDER",
    "test_a_handler_that_takes_too_long_is_504_and_replaced",
    "test_a_refused_stream_gives_its_worker_back",
    "test_a_slow_client_is_not_the_handlers_fault",
    "test_a_temporary_folder_that_a_handler_clears_is_made_again",
    "test_death_of_a_worker_is_502_for_its_request_alone",
    "test_output_is_in_the_log_with_worker_and_request",
    "test_what_a_handler_does_to_its_process_breaks_nothing",
    "test_whatever_a_handler_raises_is_500_and_the_worker_lives_on",
]
