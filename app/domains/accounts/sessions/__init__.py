"""Signing in: sessions of browsers and of clients, how they are shown, and how guessing is slowed down."""
