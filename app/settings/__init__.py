"""Settings: what may be set, where it is read from, and what is refused at the start."""
