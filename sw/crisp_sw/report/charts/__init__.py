"""Charts and pictures, as inline SVG and HTML."""
