"""What goes out: invoices by mail, receipts, reminders."""
