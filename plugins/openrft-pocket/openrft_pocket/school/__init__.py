"""Everything that makes the checkpoints; nothing here is imported when the plugin is used."""
