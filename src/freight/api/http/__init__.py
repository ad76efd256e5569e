"""Handling that all requests and responses share: keys, limits, bodies, errors, pages, caching."""
