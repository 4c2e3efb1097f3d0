"""What a person sees of an import before it is written, and answers: text, questions, a page."""
