"""Documents that are made of other things than one file of JSON."""
