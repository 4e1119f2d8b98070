"""Handlers that are no generator functions, and inputs looked at in other ways."""

import functools


def returns_list(input_iter, context):
    return [{"got": value} for value in input_iter]


def returns_generator(input_iter, context):
    return ({"got": value} for value in input_iter)


def returns_iterator(input_iter, context):
    return map(str, input_iter)


async def asynchronous(input_iter, context):
    for value in input_iter:
        yield {"got": value}


async def awaited(input_iter, context):
    return [{"got": value} for value in input_iter]


class Model:
    def __call__(self, input_iter, context):
        for value in input_iter:
            yield {"got": value}

    def predict(self, input_iter, context):
        for value in input_iter:
            yield Response([{"got": value}])


called = Model()
bound = Model().predict


def with_model(function):
    @functools.wraps(function)
    def wrapper(input_iter, context):
        return function("model", input_iter, context)

    return wrapper


@with_model
def decorated(model, input_iter, context):
    for value in input_iter:
        yield Response([{"got": value}])


async def refuses(input_iter, context):
    for value in input_iter:
        raise context.exceptions.InvalidInput("not %r" % value)
        yield


def consumes(input_iter, context):
    yield iter(input_iter) is input_iter
    yield next(input_iter)
    yield next(input_iter, "no more")
    yield list(input_iter)


def looks(input_iter, context):
    yield "http_method" in input_iter
    yield [value for value in input_iter]


def remembers(input_iter, context):
    context.count = getattr(context, "count", 0) + 1
    yield [context.count, context.datatypes.Response is Response, list(input_iter)]


def returns_none(input_iter, context):
    return None


def returns_text(input_iter, context):
    return "text"
