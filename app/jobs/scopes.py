"""What a token may do with jobs. A job whose task states a scope of its own asks for that one, too."""

from app.tokens.scope import declare_scope

READ = declare_scope("jobs:read", "See jobs, tasks and schedules.")
WRITE = declare_scope("jobs:write", "Submit and cancel jobs of tasks whose own scope the token has, too.")
RETRY = declare_scope("jobs:retry", "Run dead and cancelled jobs of such tasks again.")
METRICS = declare_scope("metrics:read", "See the metrics.")
