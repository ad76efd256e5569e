"""The OpenAPI document: its settings, its examples, and what Litestar's version of it lacks."""
