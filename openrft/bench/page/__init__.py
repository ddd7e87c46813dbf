"""report.html: a report as one page for a browser."""
