"""The pages of schedules, and what is done to schedules there."""
