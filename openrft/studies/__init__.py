"""Studies: what a setting of the method is worth, as grids over benches with a table and a plot of their own."""
