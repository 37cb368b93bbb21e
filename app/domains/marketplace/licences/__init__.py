"""Licences: the keys that buyers get, and what software may do with one."""
