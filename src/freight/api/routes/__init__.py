"""The controllers: one module for each resource."""
