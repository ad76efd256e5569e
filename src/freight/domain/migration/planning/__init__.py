"""Planning: decide what to do with each record before anything is written."""
