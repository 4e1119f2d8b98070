"""Values of options."""

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
        (values.environment, {"K": 1}, {"K": "1"}),
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
    ],
)
def test_bad_values_say_what_was_expected_and_found(parse: Any, given: object) -> None:
    with pytest.raises(ValueError, match=r"expected .+ found "):
        parse(given)
