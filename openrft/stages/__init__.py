"""The stages, one file each; each calls its hooks and nothing else does."""
