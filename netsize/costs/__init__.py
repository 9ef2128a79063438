"""What it costs to train a network: a step predicted operation by operation, and measured by real steps. It may import
`run` and what lies below; `plan`, `training`, `timeline` and `schema` need no torch. (It is not called `training`:
that is a function of the API, `netsize.training`, which a package of this name would hide.)

An optimizer or a precision is added in `plan` and `recipe`; a number that is told, in `training`.
"""
