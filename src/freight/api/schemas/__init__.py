"""The response schemas."""
