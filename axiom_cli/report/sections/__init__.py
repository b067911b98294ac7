"""A topic of a run in each file: its table, its JSON and its section of the page."""
