"""What every part may use: files, the store, seeds, code identity, tracking, progress. Knows nothing of the method."""
