"""The console's pictures on a CloudWatch dashboard: what the function `widget` answers."""
