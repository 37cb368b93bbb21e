"""From approved time, rules in force and taxes to the lines and totals of invoices, by pure functions."""
