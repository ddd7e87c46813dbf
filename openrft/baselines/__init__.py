"""Rules that answer without a model. A model that does not beat the best of them has not shown any reasoning."""
