"""What every part may use: files, the store, seeds, fingerprints, logging, tracking, progress. It knows no method."""
