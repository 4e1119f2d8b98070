"""Observers that come with abeja-runtime: access log, metrics, tracing."""
