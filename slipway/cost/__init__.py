"""What a deploy costs, from its templates: pure, and for the command line and the console."""
