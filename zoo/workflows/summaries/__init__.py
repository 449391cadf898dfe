"""What is shown of each record that the public functions return."""
