"""What happens to a deployment at a rate that nobody has tried yet: a fluid simulation against AWS's quotas."""
