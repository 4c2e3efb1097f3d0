"""Records on their way: what they refer to, which rows they mean, what comes of them."""
