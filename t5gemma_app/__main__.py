"""Runs the command line: `python -m t5gemma_app`."""

import sys

from t5gemma_app.cli.main import main

sys.exit(main())
