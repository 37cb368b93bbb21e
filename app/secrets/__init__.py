"""Secrets: how another key takes the place of the one that encrypts what is stored."""
