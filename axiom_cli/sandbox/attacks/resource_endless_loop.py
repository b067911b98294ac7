"""Never comes to an end."""


def solve(x):
    while True:
        pass
