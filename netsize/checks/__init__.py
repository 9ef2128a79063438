"""Known counts and budgets: cases read from TOML, held against what is counted, and updated. It may import `run`,
`results` and what lies below.

A new key of a case is read in `cases` and compared in `outcomes`.
"""
