"""Attio, as a target."""
