"""`python -m axiom_cli` is `axiom`."""

from __future__ import annotations

import os
import sys

EXIT_INTERRUPTED = 130


def main() -> int:
    """The command line, loaded here so that Ctrl-C while its libraries load ends the process quietly."""
    try:
        from axiom_cli import app, process_rank

        code = app.main()
        return code if process_rank.size() == 1 else app.leave(code)
    except KeyboardInterrupt:
        os._exit(EXIT_INTERRUPTED)


if __name__ == "__main__":
    sys.exit(main())
