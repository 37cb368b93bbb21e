"""Effects on the outside world: deliveries, mail, and the clients of providers."""
