"""launchbench: measures every way a Linux program can start a command."""

__version__ = "0.1.0"
