"""Time that was worked: entries, what is wrong with them, and their sums by day."""
