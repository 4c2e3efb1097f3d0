"""How well each row fits what is asked, and how likely it is the one."""
