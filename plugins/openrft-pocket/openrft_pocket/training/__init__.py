"""How the shipped models are made. Using the plugin imports nothing from here."""
