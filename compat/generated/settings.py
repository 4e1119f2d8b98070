"""How hypothesis runs here: the same examples each time, and nothing kept between runs."""

import hypothesis


def examples(number: int) -> hypothesis.settings:
    """Settings for a property with at most `number` examples."""
    return hypothesis.settings(
        max_examples=number,
        derandomize=True,
        database=None,
        deadline=None,
        suppress_health_check=list(hypothesis.HealthCheck),
    )
