"""Tests run side by side, a process a core: what each calculates with several threads, it would do in turns."""

from __future__ import annotations

import os

os.environ.setdefault("OMP_NUM_THREADS", "1")
