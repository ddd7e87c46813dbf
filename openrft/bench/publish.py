"""Write a bench's report and show it."""
