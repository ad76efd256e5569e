"""The engine: what is decided, what is stored, and the steps that do it."""
