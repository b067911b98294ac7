"""`axiom view`: runs, rounds and samples on a terminal, read from experiments/ and never written to."""
