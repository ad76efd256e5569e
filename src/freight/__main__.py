"""Run `freight` as `python -m freight`."""

from freight.cli import main

main()
