"""Documents made of others: records without their lists, the rows of lists, upgraded ones."""
