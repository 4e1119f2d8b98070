"""The model's side: runs under the model's own interpreter, from Python 3.6 on.

This package is started by file path (``python .../abeja/runtime/worker --fd N``) and loads its
modules under a private name, so nothing of it can be imported by accident from user code.
It uses the standard library only. The server imports `frames` too: the wire format has one source.
"""
