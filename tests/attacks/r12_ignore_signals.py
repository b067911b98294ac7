"""SUCCESS = no verdict within 15 s (ignore SIGALRM/TERM/XCPU, clear the timer, loop)."""
# ruff: noqa
# expect: flag
# probe: hang
import signal
def solve(x):
    for s in (signal.SIGALRM,signal.SIGTERM,signal.SIGINT,signal.SIGXCPU,signal.SIGVTALRM,signal.SIGPROF):
        signal.signal(s,signal.SIG_IGN)
    try: signal.setitimer(signal.ITIMER_REAL,0)
    except Exception: pass
    while True: pass
