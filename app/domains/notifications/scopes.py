"""What a token may do with notifications."""

from app.tokens.scope import declare_scope

READ = declare_scope("notifications:read", "See inboxes and push endpoints.", is_personal=True)
WRITE = declare_scope(
    "notifications:write", "Send notifications, mark them as read, register devices.", is_personal=True
)
