"""The steps of a migration in the order in which they run: start, extract, load, resolve references.

"What to read" in docs/architecture.md follows one record through them.
"""
