"""Kits for tests: `HandlerClient` for authors of handlers, contract classes for authors of plugins.

pytest is needed to run the contract classes, and not to import this package.
"""

from abeja.runtime.testing.abi_contract import AbiContract, Exchange
from abeja.runtime.testing.client import HandlerClient
from abeja.runtime.testing.encoder_contract import EncoderContract, Sample
from abeja.runtime.testing.extractor_contract import Archive, ExtractorContract
from abeja.runtime.testing.handler_path.abeja_handler_testing import Answer
from abeja.runtime.testing.installer_contract import InstallerContract
from abeja.runtime.testing.observer_contract import ObserverContract
from abeja.runtime.testing.plugin_contract import PluginContract
from abeja.runtime.testing.source_contract import SourceContract

__all__ = [
    "AbiContract",
    "Answer",
    "Archive",
    "EncoderContract",
    "Exchange",
    "ExtractorContract",
    "HandlerClient",
    "InstallerContract",
    "ObserverContract",
    "PluginContract",
    "Sample",
    "SourceContract",
]
