"""`python -m axiom_cli` is `axiom`."""

from __future__ import annotations

import sys

from axiom_cli.app import main

sys.exit(main())
