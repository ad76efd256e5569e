"""Affinity, as a source."""
