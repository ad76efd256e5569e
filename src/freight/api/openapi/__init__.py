"""The OpenAPI document: its settings, its examples, and patches of Litestar's version."""
