"""Results of a sweep: kept on disk, as a table, and as a page."""
