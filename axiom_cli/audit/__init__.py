"""Who checks the checkers: families, tests, references, and the verifier itself."""
