"""Which lines of a worker become one record."""

import pytest

from abeja.runtime.pool.paragraphs import LINES_LIMIT, SIZE_LIMIT, Paragraph, Paragraphs

TRACEBACK = """\
Traceback (most recent call last):
  File "main.py", line 3, in handler
    return 1 / 0
           ~~^~~
ZeroDivisionError: division by zero"""
CHAINED = f"""\
{TRACEBACK}

During handling of the above exception, another exception occurred:

Traceback (most recent call last):
  File "main.py", line 5, in handler
    raise KeyError("x")
KeyError: 'x'"""
BARE = """\
Traceback (most recent call last):
  File "main.py", line 3, in handler
    assert False
AssertionError"""


def paragraphs(text: str) -> list[Paragraph]:
    kept = Paragraphs()
    return [paragraph for line in text.split("\n") for paragraph in kept.add(line)] + kept.flush()


def test_plain_lines_are_records_of_their_own() -> None:
    assert paragraphs("one\n\n  two\n") == [Paragraph("one"), Paragraph("  two")]


@pytest.mark.parametrize(
    ("text", "message"), [(TRACEBACK, "ZeroDivisionError: division by zero"), (CHAINED, "KeyError: 'x'")]
)
def test_traceback_is_one_record_with_its_exception_as_the_message(text: str, message: str) -> None:
    assert paragraphs(f"before\n{text}\nafter") == [Paragraph("before"), Paragraph(message, text), Paragraph("after")]


@pytest.mark.parametrize(
    "headline", ["ERROR:root:it failed", "Exception in thread Thread-1 (run):", "2026-01-01 ERROR model: it failed"]
)
def test_line_that_a_traceback_explains_is_its_message(headline: str) -> None:
    assert paragraphs(f"{headline}\n{BARE}\nafter") == [Paragraph(headline, BARE), Paragraph("after")]


def test_error_without_a_traceback_is_a_plain_line() -> None:
    assert paragraphs("ERROR:root:it failed\nERROR:root:again\nafter") == [
        Paragraph("ERROR:root:it failed"),
        Paragraph("ERROR:root:again"),
        Paragraph("after"),
    ]


def test_two_tracebacks_in_a_row_are_two_records() -> None:
    assert [paragraph.traceback for paragraph in paragraphs(f"{TRACEBACK}\n{BARE}")] == [TRACEBACK, BARE]


@pytest.mark.parametrize(
    ("trace", "message"),
    [
        (TRACEBACK, "ZeroDivisionError: division by zero\nin two\n\nparagraphs"),
        (CHAINED, "KeyError: 'x'\nof 2 lines"),
        (BARE, f"AssertionError\nof a child:\n{BARE}\n  end"),
    ],
)
def test_message_of_several_lines_is_one_with_its_traceback_if_it_was_written_with_it(trace: str, message: str) -> None:
    text = f"{trace[: trace.rindex(message.partition(chr(10))[0])]}{message}"
    kept = Paragraphs()
    first, *rest = text.split("\n")
    done = kept.add(first) + [paragraph for line in rest for paragraph in kept.add(line, is_same_write=True)]

    assert done == []
    assert kept.add("after") == [Paragraph(message, text), Paragraph("after")]


def test_traceback_that_is_cut_by_another_line_ends_there() -> None:
    cut = "\n".join(TRACEBACK.split("\n")[:3])

    assert paragraphs(f"{cut}\n3 cats and 2 dogs") == [
        Paragraph("    return 1 / 0", cut),
        Paragraph("3 cats and 2 dogs"),
    ]


def test_what_looks_like_a_traceback_does_not_grow_without_end() -> None:
    endless = "\n".join(["Traceback (most recent call last):", *["  File"] * (2 * LINES_LIMIT)])

    first, *_ = paragraphs(endless)

    assert first.traceback.count("\n") + 1 == LINES_LIMIT

    wide = "\n".join(["Traceback (most recent call last):", *[" " * 100_000] * 10])

    assert all(len(paragraph.traceback) <= SIZE_LIMIT for paragraph in paragraphs(wide))
