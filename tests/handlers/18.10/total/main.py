"""Adds up what is in the order, and refuses what is no order."""


def handler(input_iter, context):
    for order in input_iter:
        if not isinstance(order, dict) or "price" not in order:
            raise context.exceptions.InvalidInput('the order has no "price"')
        yield {"total": order["price"] * order.get("count", 1)}
