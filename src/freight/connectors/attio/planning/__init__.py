"""Planning the schema of an Attio workspace for a source, and making what is missing."""
