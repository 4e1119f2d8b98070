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
    yield sorted(frame)


def each(input_iter, context):
    """A line for each frame."""
    for frame in input_iter:
        yield {"frame": frame["pos_frames"]}


def counted(input_iter, context):
    """Keeps nothing."""
    count = 0
    for frame in input_iter:
        count += 1
    yield {"count": count, "last": frame["pos_msec"]}
