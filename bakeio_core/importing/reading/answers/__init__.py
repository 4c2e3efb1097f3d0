"""What people, programs and assistants hand in that is not quite a file of bakeio."""
