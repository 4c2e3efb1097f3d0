"""Match, merge or create: the plan of a part and of the whole import."""
