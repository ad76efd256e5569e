"""`python -m freight` is `freight`."""

from freight.cli import main

main()
