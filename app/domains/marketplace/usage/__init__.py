"""How models are used, counted by the hour and the day."""
