"""New plugin packages: what `openrft plugins new` writes."""
