"""Makes invoices of what was worked: by month and client, numbered, as drafts."""
