"""The domain: tenants, API keys, jobs, batches, records, the ledger, and the steps of a migration."""
