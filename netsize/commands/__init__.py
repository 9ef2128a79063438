"""The command line: a file for each command, its options and the terminal. The only place that prints. It may import
everything below it, torch and rich only through others, and neither at import.

A new command is a function in a file of its own, named in `cli`; options that several commands take are in `options`.
"""
