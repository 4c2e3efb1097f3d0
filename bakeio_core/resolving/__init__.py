"""Missing references: candidates, decisions, the conversation with a person."""
