"""The command line: the only part of the package that prints, waits, or reads a clock."""
