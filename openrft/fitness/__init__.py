"""Can process rewards tell right from wrong? What is found (verdict), how it is measured, and the statistics."""
