"""The conformance kit: whether a plugin keeps what every run relies on, check by check."""
