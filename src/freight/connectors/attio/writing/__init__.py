"""Finds, reads and writes what drafts say in an Attio workspace, one module for each kind of record."""
