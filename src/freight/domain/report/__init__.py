"""The report of a job: what became of a whole workspace, for the person responsible for the migration."""
