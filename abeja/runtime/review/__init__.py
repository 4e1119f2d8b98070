"""What `abeja-runtime check` says of a handler's code: it is read, and never run."""
