"""The observers keep what an observer promises."""

import abeja_runtime_observers.access_log
import abeja_runtime_observers.metrics
import abeja_runtime_observers.tracing
from abeja.runtime.testing import ObserverContract


class TestAccessLog(ObserverContract):
    plugin = abeja_runtime_observers.access_log


class TestMetrics(ObserverContract):
    plugin = abeja_runtime_observers.metrics


class TestTracing(ObserverContract):
    plugin = abeja_runtime_observers.tracing
