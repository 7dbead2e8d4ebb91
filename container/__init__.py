"""The container of the heavy tier."""
