"""What a migration stores: records, batches, streams, the ledger and the log, and who works on them."""
