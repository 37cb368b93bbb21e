"""What the API has of billing rules."""
