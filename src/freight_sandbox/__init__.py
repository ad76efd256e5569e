"""A simulated Affinity and a simulated Attio, as servers, to rehearse a migration and to test against."""

from freight_sandbox.server import Sandbox, SandboxOptions, running

__all__ = ["Sandbox", "SandboxOptions", "running"]
