"""Lines are appended in the order of their numbers, whatever order they come in."""

import asyncio
import json
import random
from pathlib import Path

import pytest

from abeja.runtime.batch.item import Item
from abeja.runtime.batch.ordered import Ordered
from abeja.runtime.batch.result import Result


def result(number: int, *, size: int = 0) -> Result:
    """Of an input; the body is the number, and as large as asked for."""
    item = Item(number=number, name=str(number), label=str(number), content=b"")
    body = json.dumps([number, "x" * size]).encode()
    return Result(item=item, identity="", status=200, content_type="application/json", body=body)


def numbers(data: bytes) -> list[int]:
    """Of the lines."""
    return [json.loads(line)["body"][0] for line in data.splitlines()]


@pytest.mark.parametrize("may_block", [True, False])
@pytest.mark.parametrize("seed", range(5))
def test_lines_come_in_order(tmp_path: Path, seed: int, *, may_block: bool) -> None:
    shuffled = list(range(60))
    random.Random(seed).shuffle(shuffled)  # noqa: S311 (no secret)
    data = bytearray()
    journal: list[int] = []

    async def put_all() -> None:
        ordered = Ordered(
            data.extend,
            tmp_path,
            may_block=may_block,
            on_appended=lambda result: journal.append(result.item.number),
            on_placed=journal.append,
        )
        await asyncio.gather(*(ordered.put(result(number, size=number * 9000)) for number in shuffled))
        assert ordered.waiting == 0

    asyncio.run(put_all())

    assert numbers(bytes(data)) == journal == list(range(60))
    assert list(tmp_path.iterdir()) == []


def test_lines_that_wait_are_on_the_disk(tmp_path: Path) -> None:
    data = bytearray()

    async def put_some() -> None:
        ordered = Ordered(data.extend, tmp_path, may_block=False)
        for number in (3, 1, 2):
            await ordered.put(result(number))
        assert ordered.waiting == 3

    asyncio.run(put_some())

    assert data == b""
    assert sorted(path.name for path in tmp_path.iterdir()) == ["1", "2", "3"]


def test_new_result_of_one_that_waits_takes_its_place(tmp_path: Path) -> None:
    data = bytearray()

    async def put_again() -> None:
        ordered = Ordered(data.extend, tmp_path, may_block=False)
        await ordered.put(result(1))
        await ordered.put(result(1, size=5))
        await ordered.put(result(0))

    asyncio.run(put_again())

    assert [json.loads(line)["body"] for line in data.splitlines()] == [[0, ""], [1, "xxxxx"]]
