"""Handlers of today: coroutines, and asynchronous generators as content."""

import asyncio


async def handler(request, context):
    await asyncio.sleep(0)
    context["loops"] = context.get("loops", set()) | {id(asyncio.get_event_loop())}
    return {"content_type": "application/json", "content": {"loops": len(context["loops"])}}


async def numbers():
    for number in range(3):
        await asyncio.sleep(0)
        yield {"number": number}


async def endless():
    try:
        while True:
            await asyncio.sleep(0)
            yield b"x" * 10000
    finally:
        await asyncio.sleep(0)
        print("cleaned up")


def never_ending(request, context):
    return {"content": endless()}


def streaming(request, context):
    return {"content_type": "application/json", "content": numbers()}
