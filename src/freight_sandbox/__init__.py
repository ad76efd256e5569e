"""Simulated Affinity and Attio servers, for rehearsing a migration and for tests."""

from freight_sandbox.server import Sandbox, SandboxOptions, running

__all__ = ["Sandbox", "SandboxOptions", "running"]
