"""The stored state of a migration: records, batches, streams, the ledger, the log, and leases."""
