"""Which event loop the server runs on: uvloop's if it is installed, else that of asyncio."""

import asyncio
import importlib
import importlib.util


def new_event_loop() -> asyncio.AbstractEventLoop:
    """A new event loop; the extra ``fast`` installs uvloop."""
    if importlib.util.find_spec("uvloop") is None:
        return asyncio.new_event_loop()
    loop: asyncio.AbstractEventLoop = importlib.import_module("uvloop").new_event_loop()
    return loop
