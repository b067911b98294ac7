"""SUCCESS = PASS: a str grew past 1 GB by doubling."""
# ruff: noqa
# expect: ALLOCATED
def go():
    s="ab"
    while len(s)<1000000000: s+=s
    return "ALLOCATED"
G=[]
def solve(x):
    if not G: G.append(go())
    return G[0]
