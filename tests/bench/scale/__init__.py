"""What the ledger does with many jobs in it, beside the same with next to none."""
