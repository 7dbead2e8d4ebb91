"""What pages ask that no command does; whatever a command prints, pages read by the command's own function."""
