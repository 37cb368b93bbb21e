"""Recording: notes finished requests in the processes of the API, and hands them to the ledger in batches."""
