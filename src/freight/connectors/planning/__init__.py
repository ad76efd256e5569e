"""The part of planning that is the same for every target: the attribute and list for each field and list."""
