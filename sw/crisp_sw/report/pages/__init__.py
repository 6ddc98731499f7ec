"""Pages: each one HTML file that refers to nothing outside of it."""
