"""A day of work that never was, for whoever looks at the console for the first time."""
