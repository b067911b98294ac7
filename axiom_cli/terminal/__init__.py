"""What people see on stderr. Nobody else imports rich."""
