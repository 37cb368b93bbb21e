"""Orders: what somebody buys, what comes for it, and what follows from that."""
