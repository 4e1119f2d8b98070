"""Values of options."""

import datetime
from pathlib import Path
from typing import Any

import pytest

from abeja.runtime import values


@pytest.mark.parametrize(
    ("parse", "given", "expected"),
    [
        (values.text, " a ", " a "),
        (values.folder, "/a/b", Path("/a/b")),
        (values.port, "0", 0),
        (values.port, 65535, 65535),
        (values.count, "1", 1),
        (values.count_from_zero, 0, 0),
        (values.seconds, "0.5", 0.5),
        (values.seconds, 30, 30.0),
        (values.size, 100, 100),
        (values.size, "512MB", 512 * 1024**2),
        (values.size, "1.5 G", 3 * 1024**3 // 2),
        (values.size, "64KiB", 64 * 1024),
        (values.names, "a, b,", ("a", "b")),
        (values.names, ["a", "b"], ("a", "b")),
        (values.files, "/a.py, /b/c.py", (Path("/a.py"), Path("/b/c.py"))),
        (values.files, ["/a.py"], (Path("/a.py"),)),
        (values.handler, "pkg.main:handler", "pkg.main:handler"),
        (values.environment, "K:v:w", {"K": "v:w"}),
        (values.environment, ("K", "L:"), {"K": "", "L": ""}),
        (values.environment, {"K": 1, "L": 0.5, "M": ""}, {"K": "1", "L": "0.5", "M": ""}),
        (values.header_names, "Cookie, x_a!,", ("Cookie", "x_a!")),
        (values.date_or_none, "2019-05-01", datetime.date(2019, 5, 1)),
        (values.date_or_none, datetime.date(2019, 5, 1), datetime.date(2019, 5, 1)),
        (values.date_or_none, "none", "none"),
    ],
)
def test_good_values_are_parsed(parse: Any, given: object, expected: object) -> None:
    assert parse(given) == expected


@pytest.mark.parametrize(
    ("parse", "given"),
    [
        (values.text, ""),
        (values.text, 18.10),
        (values.text, 5),
        (values.port, "-1"),
        (values.port, "65536"),
        (values.port, "http"),
        (values.port, True),
        (values.count, "0"),
        (values.count, 1.5),
        (values.count_from_zero, "-1"),
        (values.seconds, "0"),
        (values.seconds, "nan"),
        (values.seconds, "inf"),
        (values.seconds, True),
        (values.size, "12 parsecs"),
        (values.size, "-1"),
        (values.size, True),
        (values.names, 5),
        (values.names, [1]),
        (values.handler, "main"),
        (values.handler, "main:"),
        (values.handler, ":handler"),
        (values.handler, "a:b:c"),
        (values.handler, "dir/main:handler"),
        (values.handler, "main:a.b"),
        (values.environment, "1K:v"),
        (values.environment, ":v"),
        (values.environment, 5),
        (values.environment, {"K": True}),
        (values.environment, {"K": [1]}),
        (values.environment, {"K": {"L": "m"}}),
        (values.environment, {"K": datetime.date(2019, 5, 1)}),
        (values.header_names, "Authorization Cookie"),
        (values.header_names, ["X-Secret:"]),
        (values.header_names, "Schl\u00fcssel"),
        (values.date_or_none, "2019-05-01T00:00:00"),
        (values.date_or_none, datetime.datetime(2019, 5, 1, 12)),  # noqa: DTZ001 (as TOML has them)
    ],
)
def test_bad_values_say_what_was_expected_and_found(parse: Any, given: object) -> None:
    with pytest.raises(ValueError, match=r"expected .+ found "):
        parse(given)
