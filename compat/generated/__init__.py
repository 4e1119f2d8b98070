"""Generated cases: replies and requests that hypothesis makes up, played by long-lived workers.

A reply travels as the Python expression that makes it, so that one handler returns them all and a failing example
can be read, and kept as a pair in `compat.more`.
"""
