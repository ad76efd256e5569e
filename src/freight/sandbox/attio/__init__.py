"""A simulated Attio."""
