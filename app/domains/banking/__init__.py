"""Banking: households, their banks, transactions, bills and budgets."""
