"""What differs between database systems: the only room that names one."""
