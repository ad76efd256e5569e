"""Freight moves a firm's CRM workspace from one system to another."""

from importlib import import_module
from types import ModuleType

__version__ = "0.1.0"


def __getattr__(name: str) -> ModuleType:
    # `arq freight.worker` imports this package and then takes its attribute `worker`; importing the worker only then
    # keeps `import freight` free of settings and servers.
    if name == "worker":
        return import_module("freight.worker")
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
