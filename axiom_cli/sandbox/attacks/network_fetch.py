"""Fetches a page from the listener on loopback by HTTP."""

import urllib.request


def solve(x):
    urllib.request.urlopen("http://127.0.0.1:@TCP@/", timeout=1)
    return "BROKE OUT"
