"""What is known of each task before any job of it: its declaration, its parameters and its options."""
