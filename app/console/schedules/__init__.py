"""What the pages of schedules ask and do: the list, the calendar, one schedule, and its edits."""
