"""What of a host is ours, and what of others is in conflict with it."""
