"""From metrics to tables, Markdown, CSV, JSON and a page."""
