"""Leaves with status 0 before anything is asked of it."""

import os

os._exit(0)
