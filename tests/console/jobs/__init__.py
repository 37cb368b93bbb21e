"""Jobs in the console."""
