"""Where everything that was made is kept, under what it was made from."""
