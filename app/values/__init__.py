"""Values from outside: text, JSON, money and spans of time, checked once and meant the same everywhere."""
