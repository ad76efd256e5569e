"""Migrations of the tables, applied by Piccolo."""
