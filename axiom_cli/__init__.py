"""A small language model that teaches itself to reason, by expert iteration on one machine."""

__version__ = "0.1.0"
