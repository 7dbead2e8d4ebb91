"""What would stop a deploy to an account, found before it begins."""
