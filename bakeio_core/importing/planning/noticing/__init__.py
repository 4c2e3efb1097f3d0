"""What somebody should look at in what a file is to write, or says in vain."""
