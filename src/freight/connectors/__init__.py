"""Connectors: a package for each vendor, behind the protocols `Source` and `Target`."""
