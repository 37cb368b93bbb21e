"""What is stored about people, and what becomes of it: packages say so in a module `personal_data` each."""
