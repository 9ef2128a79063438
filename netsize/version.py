"""The version of netsize: for the program, what it writes and its package."""

__version__ = "0.1.0"
