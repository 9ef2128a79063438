"""The command line: a file for each command, its options and the terminal. The only place that prints. It may import
everything below it; neither torch nor rich at import, and what only one command needs when that command runs: a
remembered answer takes a sixth of a second, and half of that for a line that was answered before (`repeated`).

A new command is a function in a file of its own, named in `cli`; options that several commands take are in `options`.
"""
