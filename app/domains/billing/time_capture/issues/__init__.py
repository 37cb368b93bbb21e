"""What is wrong with entries: found, kept while it lasts, and shown."""
