"""Pacing: permission to send requests, shared by all processes that use the same account at a vendor.

`Pacer` grants it. Its decisions are pure: `pace` how fast, `slots` when, `circuit` whether at all. `shared` keeps the
first two in Redis, so that all workers of an account share them. `accounts` keeps the pacers of a process.
"""

from freight.pacing.accounts import Pacers
from freight.pacing.pacer import Pacer

__all__ = ["Pacer", "Pacers"]
