"""What is reported, in every format but the page."""
