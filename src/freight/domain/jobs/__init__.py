"""Jobs: one run from one workspace to another, as a client creates, searches and controls them."""
