"""Groundwork: background work on plain Linux hosts."""

import gc

#: Objects made between two looks for garbage, while a process loads and once it works. With Python's 700 it
#: looks through all modules again and again while it loads them, a quarter of the time of its start.
WHILE_LOADING = 1_000_000
AT_WORK = 50_000

gc.set_threshold(WHILE_LOADING)


def freeze_loaded() -> None:
    """Leave what is loaded now out of every search for garbage: it stays, and looking through it takes 50 ms.

    Call it before processes are forked, which then go on sharing it (`gc.freeze` in Python's documentation).
    """
    gc.freeze()
    gc.set_threshold(AT_WORK)
