"""Statistics: how much each user does, by the hour, counted from the audit logs and the notifications."""
