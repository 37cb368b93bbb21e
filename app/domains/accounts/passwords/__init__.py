"""Passwords: which may be chosen, how they are hashed, and whose they are."""
