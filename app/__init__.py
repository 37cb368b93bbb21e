"""Groundwork: background work on plain Linux hosts."""

import gc

#: Objects made between two looks for garbage. With Python's 700 every process looks through all modules again
#: and again while it loads them, which takes a sixth of its start.
GARBAGE_THRESHOLD = 50_000

gc.set_threshold(GARBAGE_THRESHOLD)
