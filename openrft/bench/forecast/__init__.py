"""What a bench will do and cost, before it starts: its stages, what is stored already, seconds, tokens and money."""
