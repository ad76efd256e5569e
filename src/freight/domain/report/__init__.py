"""The report of a job: what became of a whole workspace, for whoever answers for the migration."""
