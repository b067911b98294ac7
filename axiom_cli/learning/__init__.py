"""From verdicts to a better model: select, train, merge."""
