"""Compares abeja-runtime with other model servers on this machine: ``python -m bench``.

Only the standard library is used here; each server has an environment of its own.
"""
