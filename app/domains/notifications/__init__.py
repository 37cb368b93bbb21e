"""Notifications: what users are told, and the channels it takes."""
