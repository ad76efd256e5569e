"""Migrations under faults: a fleet of its own, a schedule of faults drawn from a seed, and the books afterwards."""
