"""Signing in at a provider on behalf of a person, and staying so."""
