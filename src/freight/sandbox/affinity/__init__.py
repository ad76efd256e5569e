"""A simulated Affinity."""
