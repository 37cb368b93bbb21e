"""Invoices and credit notes as PDF files with their data inside, from facts alone."""
