"""What runs found out, as frozen dataclasses, which are written to JSON with a schema and a version.

Who makes a result fills in its fields. Totals and ratios follow from these, and are worked out here alone.
"""
