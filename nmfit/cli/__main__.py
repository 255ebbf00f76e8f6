"""Run the command line as ``python -m nmfit.cli``."""

from . import command

command()
