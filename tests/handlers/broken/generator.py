def handler(input_iter, context):
    for value in input_iter:
        yield value
