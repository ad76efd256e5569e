"""Where in an Attio workspace everything of a source goes, and how what is missing there is made."""
