"""Counts the frames of a video."""


def handler(input_iter, context):
    frames = [(f["pos_frames"], f["pos_msec"], f["image"][0, 0].tolist(), f["image"].shape) for f in input_iter]
    yield {"count": len(frames), "frames": frames}


def first(input_iter, context):
    """Looks at the first frame only."""
    frame = next(input_iter)
    assert type(frame["pos_frames"]) is int
    assert type(frame["pos_msec"]) is int
    assert frame["image"].dtype == "uint8"
    assert frame["image"].flags.writeable
    assert frame["image"].flags.c_contiguous
    yield sorted(frame)


def each(input_iter, context):
    """A line for each frame."""
    for frame in input_iter:
        yield {"frame": frame["pos_frames"]}


def memory(input_iter, context):
    """Keeps nothing; yields the most memory that the process has had, in KiB, by the 60th frame and by the last."""
    for count, frame in enumerate(input_iter, 1):
        if count == 60:
            early = _peak()
    yield {"count": count, "last": frame["pos_msec"], "early": early, "late": _peak()}


def _peak():
    with open("/proc/self/status") as status:
        return next(int(line.split()[1]) for line in status if line.startswith("VmHWM:"))
