"""Finding, reading and writing the records of drafts in an Attio workspace, with a module for each kind of record."""
