"""What a migration is: tenants, keys, jobs, batches, records, the ledger, and the steps of the pipeline."""
