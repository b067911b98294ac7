"""The loop: evaluate, collect, select, mix, train, merge, and again."""
