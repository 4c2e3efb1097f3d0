"""The easy records of a block, decided at once before anything is planned with care."""
