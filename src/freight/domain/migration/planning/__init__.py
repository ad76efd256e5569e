"""What is decided about each record before anything is written."""
