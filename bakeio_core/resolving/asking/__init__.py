"""A person is asked: prompts, answers and forms, without a terminal."""
