"""What is answered for the parts of sets and of views."""
