"""Real servers that speak the protocols of the outside world, with faults on demand."""
