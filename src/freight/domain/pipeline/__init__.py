"""The steps of a migration, in the order of their going: start, extract, plan, load, advance."""
