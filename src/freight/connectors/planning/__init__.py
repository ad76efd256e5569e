"""The half of planning that is the same for every target: which field and list goes where."""
