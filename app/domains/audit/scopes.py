"""What a token may do with the audit logs."""

from app.tokens.scope import declare_scope

READ = declare_scope("audit:read", "Search and export who did what, and who signed in.", is_personal=True)
WRITE = declare_scope(
    "audit:write", "Cancel and retry the jobs that write and prune the audit logs.", is_personal=True
)
