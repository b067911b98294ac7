"""Problem families, and how an answer or a program is read out of a completion."""
