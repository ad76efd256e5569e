"""Tenants, their API keys, the audit trail, and retention."""
