"""The folder that `abeja-runtime test` puts on PYTHONPATH: nothing but the kit for the handler's process is in it."""
