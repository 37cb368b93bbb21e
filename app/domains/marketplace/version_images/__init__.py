"""The image of a version: its archive, its way to the registry, and what is known of its weaknesses."""
