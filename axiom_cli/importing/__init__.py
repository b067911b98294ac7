"""Other people's problem sets, read into problem records."""
