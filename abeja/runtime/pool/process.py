"""One worker process: started, ready, busy, gone."""

import asyncio
import contextlib
import logging
import os
import secrets
import shutil
import socket
from collections.abc import Callable
from enum import Enum
from typing import Any

from abeja.runtime.engine import Call, HandlerFailure, WorkerFullError, WorkerUnreachableError
from abeja.runtime.errors import SpoolFailedError
from abeja.runtime.model import Model
from abeja.runtime.pool import exits, memory, reports
from abeja.runtime.pool.channel import Channel
from abeja.runtime.pool.credit import Credit
from abeja.runtime.pool.delivery import Delivery
from abeja.runtime.pool.ending import Ending
from abeja.runtime.pool.exits import Exit, MemoryWitness
from abeja.runtime.pool.guardian import Guardian
from abeja.runtime.pool.inbox import Inbox
from abeja.runtime.pool.init import init_header
from abeja.runtime.pool.limits import Limits
from abeja.runtime.pool.outbox import Outbox
from abeja.runtime.pool.output import Output
from abeja.runtime.pool.process_group import ProcessGroup
from abeja.runtime.pool.request_frame import request_frame
from abeja.runtime.pool.startup import Startup, ended_too_early, not_started
from abeja.runtime.pool.turns import Turn, Turns
from abeja.runtime.pool.wear import Wear
from abeja.runtime.secrets import Secrets
from abeja.runtime.spool import Spool
from abeja.runtime.worker import frames

_log = logging.getLogger("abeja.runtime")

# After its exit a worker's last frames may still be in the socket; a child of the handler that
# holds it open is not waited for longer than this.
_LAST_FRAMES_S = 0.5
# A worker that closed its socket without ending has lost its mind: it gets this long.
_EXIT_AFTER_EOF_S = 1.0
# One that is renewed and has answered its last request: for what the handler does at exit.
_RETIRED_END_S = 10.0
# How many requests wait in the inbox of a worker that runs one at a time: so it need not wait for the server between
# two, and each side does several per wake-up, which costs more than the rest.
_AHEAD = 4
# What a worker may say of a request, before its answer has begun and in the middle of it.
_AT_FIRST = ("response", "error")
_IN_STREAM = ("chunk", "end", "error")


class State(Enum):
    """Where a worker is in its life."""

    STARTING = "starting"
    IDLE = "idle"
    BUSY = "busy"
    GONE = "gone"


class WorkerProcess:
    """One worker.

    Args:
        model: what it runs.
        number: for the log.
        mark: see `ProcessGroup`.
        spool: it has a folder of its own in it, which goes when it goes.
        version: of abeja-runtime.
        startup_timeout_s: see `Startup`.
        limits: what it may reach before it is renewed.
        concurrency: how many requests it runs at once.
        guardian: is told of it.
        on_room: called when it has got room for a request: when it is ready and after each one.
        on_gone: called once when it has ended, if it had been ready.

    Attributes:
        number: see above.
        state: where it is in its life.
        python_version: of its interpreter, such as ``3.6.15``; empty until it is ready.
        is_ready: whether it has loaded the handler, and takes requests now or after those that it has.
        load: how many requests it has.
        is_full: whether its inbox had no room for a request, and it has not read on since.
        wear: whether it is to be renewed.
        exit: how it ended; None until it has.
        is_retired: it takes no request any more: it ends when it has answered those that it has.
    """

    def __init__(
        self,
        *,
        model: Model,
        number: int,
        mark: str,
        spool: Spool,
        version: str,
        startup_timeout_s: float,
        limits: Limits,
        concurrency: int,
        guardian: Guardian,
        on_room: Callable[[], None],
        on_gone: Callable[["WorkerProcess"], None],
    ) -> None:
        self._model = model
        self._spool = spool
        self._folder = spool.folder / f"worker-{number}"
        self._version = version
        self._concurrency = concurrency
        self._on_room = on_room
        self._on_gone = on_gone
        self._channel = Channel(on_frame=self._frame, on_closed=self._channel_closed)
        self._inbox = Inbox()
        self._delivery = Delivery(self._inbox, self._channel, on_read=self._inbox_read)
        self._outbox = Outbox(spool)
        # Between null bytes, which no text that is printed has.
        self._output_mark = f"\0{secrets.token_hex(8)}\0"
        self._output = Output(
            number,
            mark=self._output_mark.encode("ascii"),
            secrets=Secrets.of(model.environment),
            fields_of=self._log_fields,
        )
        self._processes = ProcessGroup(mark=mark, guardian=guardian, on_exit=self._exited)
        self._turns = Turns(concurrency, self._inbox, self._turn_begun)
        self._call_number = 0
        self._begun = 0
        self._ending = Ending()
        self._is_channel_closed = False
        self._is_stopping = False
        self._gone = asyncio.Event()
        self._startup = Startup(timeout_s=startup_timeout_s, on_timeout=self._startup_timed_out)
        self._witness = MemoryWitness()
        self.number = number
        self.state = State.STARTING
        self.python_version = ""
        self.is_ready = False
        self.load = 0
        self.is_full = False
        self.wear = Wear(limits)
        self.is_retired = False
        self.exit: Exit | None = None

    @property
    def takes_ahead(self) -> bool:
        """Whether it may be given a request while it runs another one.

        Not if something that the requests print has no label: then the time tells whose it is. Nor while a slow client
        keeps it waiting: that is nobody else's.
        """
        return (
            self._concurrency == 1
            and self.is_ready
            and self.load <= _AHEAD
            and not self._turns.has_large
            and not self._output.has_unlabelled
            and self._channel.is_reading
        )

    @property
    def has_served(self) -> bool:
        """Whether it has ever had a request."""
        return self._begun > 0

    @property
    def pid(self) -> int:
        """See `ProcessGroup.pid`."""
        return self._processes.pid

    def report(self) -> dict[str, Any]:
        """What it is and does, for readiness."""
        return {
            "worker": self.number,
            "pid": self.pid,
            "state": "retired" if self.is_retired else self.state.value,
            "python": self.python_version,
            "requests": self._begun,
            "resident_bytes": self._witness.resident_bytes,
            "age_s": round(self.wear.age_s, 1),
            "load_s": round(self._startup.load_s, 3),
            "cpu_s": round(memory.cpu_s(self.pid), 2),
        }

    async def start(self) -> None:
        """Start the process and wait until it has loaded the handler.

        Raises:
            HandlerLoadError: the handler does not load.
            WorkerStartError: the interpreter cannot be executed, or it ended or stayed silent before it was ready.
        """
        with contextlib.ExitStack() as opened:
            try:
                ours, memory_fds = await self._spawn(opened)
            except BaseException as error:
                self._clean_up()
                self._inbox.close()
                self._change(State.GONE)
                self._gone.set()
                if not isinstance(error, OSError | ValueError):
                    raise
                self.exit = Exit(worker=self.number, reason=f"could not be started: {error}", cause="not-started")
                raise not_started(self._model, error) from error
        self._processes.watch()
        self._startup.watch()
        self._channel.open(ours)
        _log.info("Loading user model handler with %s...", self._model.handler)
        header = init_header(self._model, version=self._version)
        own = {"concurrency": self._concurrency, "output_mark": self._output_mark, "memory": memory_fds}
        self._tell({"kind": "init", **header, "spool_dir": str(self._folder), **own})
        await self._startup.wait()

    async def wait_until_due(self) -> None:
        """Wait until it is gone or is to be renewed."""
        gone, due = asyncio.ensure_future(self._gone.wait()), asyncio.ensure_future(self.wear.due.wait())
        try:
            await asyncio.wait((gone, due), return_when=asyncio.FIRST_COMPLETED)
        finally:
            gone.cancel()
            due.cancel()

    def look(self) -> None:
        """See how much memory it uses and how old it is; called every now and then."""
        if self.state is not State.GONE:
            self._witness.look(self.pid)
            self._look_at_wear()

    def retire(self) -> None:
        """End as soon as it has answered the request that it has: its successor is ready."""
        self.is_retired = True
        self._change(self.state)
        self._give_back_unread()
        if self.state is State.BUSY and not self.load:
            self._change(State.IDLE)
        self._end_if_retired()

    def lease(self, call: Call) -> None:
        """See `Worker`."""
        number = self._call_number + 1
        header, payload = request_frame(number, call.request, timeout_s=call.timeout_s)
        turn = Turn(number, call)
        if not self.is_ready:
            raise WorkerUnreachableError("it has ended, or is about to")
        is_ahead = self.load >= self._concurrency
        try:
            self._delivery.put(turn, header, payload, is_ahead=is_ahead)
        except WorkerFullError:
            self.is_full = not is_ahead
            raise
        except WorkerUnreachableError:
            self._change(self.state)
            raise
        self._call_number = number
        if self._concurrency > 1:
            turn.credit = Credit(lambda size: self._tell({"kind": "credit", "id": number, "bytes": size}))
        if self.state is State.IDLE:
            self.state = State.BUSY
        self._output.expect(call.request.request_id)
        self.load += 1
        self._turns.add(turn)

    def withdraw(self, call: Call) -> bool:
        """See `Worker`."""
        turn = self._turns.of(call)
        # After the end of its inbox, the others' messages could not be put back.
        if turn is None or self._is_stopping or not self._turns.withdraw(turn):
            return False
        self._take_away(turn)
        return True

    def give_back_one(self) -> bool:
        """Return the oldest request that it has not begun, because another worker has room; False if there is none."""
        turn = self._turns.withdraw_oldest()
        if turn is None:
            return False
        self._give_back(turn)
        return True

    def cancel_stream(self, call: Call) -> None:
        """See `Worker`."""
        turn = self._turns.of(call)
        if turn is not None:
            self._tell({"kind": "cancel", "id": turn.number})

    def pause(self, call: Call) -> None:
        """See `Worker`."""
        turn = self._turns.of(call)
        if turn is not None and turn.credit is not None:
            turn.credit.withhold()
        elif turn is not None:
            self._pause_channel()

    def resume(self, call: Call) -> None:
        """See `Worker`."""
        turn = self._turns.of(call)
        if turn is not None and turn.credit is not None:
            turn.credit.release()
        elif turn is not None:
            self._channel.resume()

    def kill(self, reason: str, *, cause: str = "killed", because_of: Call | None = None) -> None:
        """End it and its children now; see `Worker`."""
        if self.state is not State.GONE:
            self._ending.killed(reason, cause=cause, because_of=because_of)
            self._change(self.state)
            self._processes.kill()

    async def stop(self, grace_s: float) -> None:
        """Tell it to end, kill it if it is not idle or after `grace_s`, and wait until it is gone."""
        self._is_stopping = True
        if self.state in (State.BUSY, State.STARTING):
            self.kill("was busy when the server stopped", cause="stopped")
        self._hang_up()
        try:
            await asyncio.wait_for(self._gone.wait(), grace_s)
        except TimeoutError:
            self.kill("did not stop in time", cause="stopped")
            await self._gone.wait()

    @property
    def _is_ending(self) -> bool:
        """Whether it has ended, or is about to, although not all that it left has been seen yet."""
        return self._processes.has_exited or not self._channel.is_open or self._ending.is_killed

    async def _spawn(self, opened: contextlib.ExitStack) -> tuple[socket.socket, tuple[int, ...]]:
        """Start the process; returns our end of its socket, and what it shares. `opened` closes what only it needs."""
        self._spool.create_folder(self._folder.name)
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_STREAM)
        opened.callback(theirs.close)
        try:
            output = self._output.open()
            opened.callback(os.close, output)
            memory_fds = self._outbox.open(opened)
            await self._processes.start(
                self._model,
                channel_fd=theirs.fileno(),
                inbox_fd=self._inbox.fileno(),
                output_fd=output,
                memory_fds=memory_fds,
            )
        except BaseException:  # cancelled by a stop of the pool, too
            ours.close()
            raise
        return ours, memory_fds

    def _frame(self, header: dict[str, Any], payload: bytes) -> None:
        if self.state is State.STARTING:
            self._frame_of_start(header)
            return
        turn = self._turns.get(header.get("id"))
        if turn is None:
            return
        kind = header["kind"]
        if kind not in (_IN_STREAM if turn.is_streaming else _AT_FIRST) or not turn.has_begun:
            # Not from our half of the protocol: a handler has written to the socket.
            raise frames.FrameError(f"a frame of kind {kind[:20]!r} has no place there")
        if kind == "chunk":
            turn.call.on_chunk(payload)
            if turn.credit is not None:
                turn.credit.use(len(payload))
            return
        self._output.drain()
        if kind == "response":
            head = reports.answer_head(header)
            turn.is_streaming = head.is_streamed
            turn.call.on_answer(head, self._outbox.body(header) if header["body"] == "memory" else payload)
            if head.is_streamed:
                return
        elif kind == "end":
            turn.call.on_end()
        else:
            self._turn_failed(turn, reports.failure(header["error"]))
        # Only now: if handling the frame had failed, the call would have been lost with the worker.
        self._turn_ended(turn)

    def _frame_of_start(self, header: dict[str, Any]) -> None:
        kind = header["kind"]
        if kind == "ready":
            self.python_version = str(header["python"])
            self.wear.begin()
            self._witness.look(self.pid)
            # What it printed until now is of no request.
            self._output.drain()
            self._become_idle()
            self._startup.succeed()
        elif kind == "failed":
            self._ending.load_error = reports.load_error(header["error"])

    def _turn_failed(self, turn: Turn, failure: HandlerFailure) -> None:
        if failure.slug == SpoolFailedError.slug:
            # Whatever removed its folder, the next answer finds one.
            with contextlib.suppress(OSError):
                self._spool.create_folder(self._folder.name)
        turn.call.on_failure(failure)

    def _look_at_wear(self) -> None:
        self.wear.look(requests=self._begun, resident_bytes=self._witness.resident_bytes)

    def _turn_begun(self, turn: Turn) -> None:
        self._begun += 1
        if self._concurrency == 1:
            self._output.current = turn.call.request.request_id
        turn.call.on_begun()

    def _turn_ended(self, turn: Turn) -> None:
        self._drop(turn)
        if turn.is_streaming:  # no other answer is ever paused
            self._channel.resume()
        if self.wear.request_limit is not None and self._begun >= self.wear.request_limit:
            self._look_at_wear()
        if self.load:
            self._on_room()
        else:
            self._become_idle()

    def _pause_channel(self) -> None:
        # The others would wait for this one's client.
        if not self._is_stopping:
            self._give_back_unread()
        # If the worker has gone on to one of them, it has made all of this answer: what is left of it is in the socket.
        if self.load == 1:
            self._channel.pause()

    def _drop(self, turn: Turn) -> None:
        """It is not this worker's any more."""
        self._output.end(turn.call.request.request_id)
        self.load -= 1
        self._turns.remove(turn)

    def _take_away(self, turn: Turn) -> None:
        """The worker has not read it, and will not."""
        self._begun -= turn.has_begun
        self._drop(turn)

    def _give_back_unread(self) -> None:
        # The oldest last: so each comes before those that came after it.
        for turn in reversed(self._turns.withdraw_all()):
            self._give_back(turn)

    def _give_back(self, turn: Turn) -> None:
        """Another worker shall have it."""
        self._take_away(turn)
        turn.call.on_returned("")

    def _inbox_read(self) -> None:
        self.is_full = False
        if self.is_ready:
            self._on_room()

    def _log_fields(self, request_id: str) -> dict[str, str]:
        for turn in self._turns:
            if turn.call.request.request_id == request_id:
                return turn.call.request.log_fields()
        return {"request_id": request_id}

    def _become_idle(self) -> None:
        if self.state is State.STARTING:
            self._change(State.IDLE)
        elif self.state is State.BUSY:
            self.state = State.IDLE
        if self.is_retired:
            self._end_if_retired()
        elif self.state is State.IDLE:
            self._on_room()

    def _tell(self, header: dict[str, Any]) -> None:
        """Send a frame that is no request; a worker that is gone does not need it."""
        with contextlib.suppress(WorkerUnreachableError):
            self._channel.send(frames.encode_json(header))

    def _end_if_retired(self) -> None:
        if self.is_retired and self.state is State.IDLE and not self._is_stopping:
            self._is_stopping = True
            self._hang_up()
            asyncio.get_running_loop().call_later(_RETIRED_END_S, self.kill, "did not end when it was renewed")

    def _exited(self) -> None:
        self._change(self.state)
        if self._is_channel_closed:
            self._finish()
        else:
            asyncio.get_running_loop().call_later(_LAST_FRAMES_S, self._finish)

    def _channel_closed(self, error: Exception | None) -> None:
        if self._is_channel_closed:
            return
        self._is_channel_closed = True
        self._change(self.state)
        if error is not None and not isinstance(error, OSError):
            self.kill(f"broke the protocol: {error}", cause="protocol")
        if self._processes.has_exited:
            self._finish()
        elif not self._is_stopping:
            asyncio.get_running_loop().call_later(_EXIT_AFTER_EOF_S, self.kill, "closed its connection")

    def _startup_timed_out(self) -> None:
        if self.state is State.STARTING:
            limit = f"{self._startup.timeout_s:g} s (--startup-timeout)"
            self.kill(f"was not ready within {limit}", cause="startup-timeout")

    def _finish(self) -> None:
        if self.state is State.GONE:
            return
        was_starting = self.state is State.STARTING
        self._change(State.GONE)
        self._processes.end()
        self._clean_up()
        self.exit = self._exit()
        with contextlib.ExitStack() as told:
            # Each hears of it, even if one of them raises: first those that are lost, from the oldest on.
            told.callback(self._say_gone, self.exit, was_starting=was_starting)
            told.callback(self._inbox.close)
            unread = self._turns.withdraw_all()
            for turn in unread:
                told.callback(turn.call.on_returned, self._ending.loss_of(turn.call, self.exit.reason))
            for turn in reversed(tuple(self._turns)):
                if turn not in unread:
                    told.callback(turn.call.on_lost, self._ending.loss_of(turn.call, self.exit.reason))
            self._begun -= sum(turn.has_begun for turn in unread)
            self._turns.clear()
            self.load = 0

    def _clean_up(self) -> None:
        """All but the inbox, in which there may be requests."""
        self._output.close()
        self._channel.close()
        self._outbox.close()
        shutil.rmtree(self._folder, ignore_errors=True)

    def _hang_up(self) -> None:
        """Tell the worker that nothing more comes."""
        self._inbox.end()
        self._channel.close()
        self._change(self.state)

    def _change(self, state: State) -> None:
        """Note where it is in its life, and what follows from that and the rest."""
        self.state = state
        self.is_ready = state in (State.IDLE, State.BUSY) and not self.is_retired and not self._is_ending

    def _say_gone(self, exit_: Exit, *, was_starting: bool) -> None:
        self._gone.set()
        if was_starting:
            error = self._ending.load_error or ended_too_early(self._model, exit_.reason, exit_.output)
            self._startup.fail(error)
        else:
            self._on_gone(self)

    def _exit(self) -> Exit:
        of_code = exits.of_code(self._processes.exit_code, self._witness)
        reason, cause = self._ending.explained(*of_code, is_retired=self.is_retired)
        return Exit(worker=self.number, reason=reason, cause=cause, output=tuple(self._output.last_lines))
