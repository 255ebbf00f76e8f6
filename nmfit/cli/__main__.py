"""Run the command line as ``python -m nmfit.cli``."""

import sys

from . import main

sys.exit(main())
