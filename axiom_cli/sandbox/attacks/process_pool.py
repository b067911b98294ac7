"""Starts workers with multiprocessing and concurrent.futures."""

from concurrent.futures import ProcessPoolExecutor


def solve(x):
    with ProcessPoolExecutor(1) as pool:
        return "BROKE OUT" if pool.submit(abs, -1).result() == 1 else ""
