"""What a worker with several requests at once reads, and from where."""

import socket
import threading

from abeja.runtime.worker import frames
from abeja.runtime.worker.channel import Channel
from abeja.runtime.worker.inbox import Inbox
from abeja.runtime.worker.shared_channel import SharedChannel
from tests.end_to_end.conftest import wait_until


class OvertakenChannel(Channel):
    """A channel that is read when the worker has seen a request in its inbox; then the server takes that back.

    Args:
        sock: the worker's end.
        inbox: the worker's end of that, which the server has too.
    """

    def __init__(self, sock: socket.socket, inbox: socket.socket) -> None:
        super().__init__(sock)
        self._inbox = inbox
        self.is_overtaken = False

    def receive_what_is_there(self) -> list[frames.Frame]:
        """As the other."""
        if not self.is_overtaken:
            self.is_overtaken = True
            self._inbox.recv(frames.MESSAGE_LIMIT_BYTES, socket.MSG_DONTWAIT)
        return super().receive_what_is_there()


def test_a_worker_whose_next_request_was_taken_back_still_hears_of_its_answers() -> None:
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_STREAM)
    our_inbox, their_inbox = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    with ours, theirs, our_inbox, their_inbox:
        channel = OvertakenChannel(theirs, their_inbox)
        shared = SharedChannel(channel, Inbox(their_inbox))
        shared.begin(1)
        our_inbox.send(frames.encode({"kind": "request", "id": 2}))
        ours.send(frames.encode({"kind": "credit", "id": 1, "bytes": 1}))
        reader = threading.Thread(target=shared.receive)
        reader.start()
        try:
            wait_until(lambda: channel.is_overtaken, "the worker to look into its inbox")
            ours.send(frames.encode({"kind": "cancel", "id": 1}))
            wait_until(lambda: shared.is_cancelled(1), "the worker to hear that nobody wants the answer", limit_s=5)
        finally:
            our_inbox.close()
            reader.join()
