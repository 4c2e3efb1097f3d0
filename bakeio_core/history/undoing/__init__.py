"""Taking one import back."""
