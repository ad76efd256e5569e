"""What is true of every request and answer: keys, limits, bodies, errors, pages, caching."""
