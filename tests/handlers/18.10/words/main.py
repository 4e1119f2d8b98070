"""Yields text."""


def handler(iter, context):
    for document in iter:
        yield " ".join(document["text"].split())
