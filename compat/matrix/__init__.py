"""The matrix: each image version on each Python of a handler, under each Python of the server.

One run of these tests is one cell: the Python that runs pytest runs the server, and the variable
COMPAT_WORKER names the version of the handler's. tox runs all of them and prints the table.
"""
