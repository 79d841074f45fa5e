"""What lies outside this service: intake, the grouper, code-set files."""
