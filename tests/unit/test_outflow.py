"""The pieces of a streamed answer on their way to a slow client."""

import asyncio

from attrs import define, field

from abeja.runtime.outflow import Outflow


@define
class Client:
    """A client that takes a piece when it is told to; what it has of the answer, and what the outflow tells."""

    is_fast: bool = False
    pieces: list[bytes] = field(factory=list)
    told: list[str] = field(factory=list)
    taking: "list[asyncio.Future[None]]" = field(factory=list)

    def write(self, data: bytes) -> "asyncio.Future[None] | None":
        """See `Sink`."""
        assert not any(not one.done() for one in self.taking), "two pieces at once"
        self.pieces.append(data)
        if self.is_fast:
            return None
        self.taking.append(asyncio.get_running_loop().create_future())
        return self.taking[-1]

    def finish(self, *, is_complete: bool) -> None:
        """See `Sink`."""
        self.told.append(f"finished {is_complete}")

    async def take(self) -> None:
        """Take the piece that was written."""
        self.taking[-1].set_result(None)
        await asyncio.sleep(0)

    def outflow(self) -> Outflow:
        """To this client."""
        return Outflow(self, on_waiting=lambda: self.told.append("waiting"), on_taken=lambda: self.told.append("taken"))


def test_pieces_for_a_fast_client_go_straight_through() -> None:
    client = Client(is_fast=True)

    async def scene() -> None:
        outflow = client.outflow()
        outflow.write(b"1")
        outflow.write(b"2")
        outflow.end()

    asyncio.run(scene())
    assert (client.pieces, client.told) == ([b"1", b"2"], ["finished True"])


def test_a_slow_client_gets_one_piece_at_a_time_and_the_end_last() -> None:
    client = Client()

    async def scene() -> None:
        outflow = client.outflow()
        for piece in (b"1", b"2", b"3"):
            outflow.write(piece)
        assert client.pieces == [b"1"]
        await client.take()
        assert client.pieces == [b"1", b"23"]
        outflow.end()
        assert client.told == ["waiting", "waiting"]
        await client.take()

    asyncio.run(scene())
    assert client.told == ["waiting", "waiting", "taken", "finished True"]


def test_the_maker_goes_on_when_the_client_has_taken_everything() -> None:
    client = Client()

    async def scene() -> None:
        outflow = client.outflow()
        outflow.write(b"1")
        outflow.write(b"2")
        await client.take()
        client.is_fast = True
        await client.take()

    asyncio.run(scene())
    assert client.told == ["waiting", "waiting", "taken"]


def test_after_a_drop_the_client_hears_nothing_more() -> None:
    client = Client()

    async def scene() -> None:
        outflow = client.outflow()
        outflow.write(b"1")
        outflow.write(b"2")
        outflow.end()
        outflow.drop()
        await client.take()

    asyncio.run(scene())
    assert (client.pieces, client.told) == ([b"1"], ["waiting"])
