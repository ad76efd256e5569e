"""Tenants, their API keys, the audit trail, and how long what they store is kept."""
