"""What databases refuse, and what their errors mean."""
