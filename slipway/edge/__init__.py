"""A package outside the account: in a browser, or on a device."""
