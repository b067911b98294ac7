"""`python -m axiom_cli` is `axiom`."""

from __future__ import annotations

import os
import sys

EXIT_INTERRUPTED = 130


def main() -> int:
    """The command line, loaded here so that Ctrl-C while its libraries load ends the process quietly."""
    try:
        from axiom_cli.app import main as run

        return run()
    except KeyboardInterrupt:
        os._exit(EXIT_INTERRUPTED)


if __name__ == "__main__":
    sys.exit(main())
