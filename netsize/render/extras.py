"""Columns that stand in a table only if they were asked for."""

from collections.abc import Callable
from dataclasses import dataclass

from netsize.results.report import Report, Row


@dataclass(frozen=True)
class Extra:
    """`key` names it for programs, `title` for people."""

    key: str
    title: str
    text: Callable[[Row], str]
    foot: str = ""


def extras(report: Report) -> list[Extra]:
    found = []
    if report.options.freeze:
        found.append(Extra("trainable", "trainable", _number("trainable"), f"{report.totals.trainable:,}"))
    if report.options.everything:
        used = sum(row.other_parameters for row in report.rows)
        found.append(Extra("other_parameters", "other", _number("other_parameters"), f"{used:,}"))
    if report.options.fields:
        found.append(Extra("receptive_field", "field", field))
    return found


def _number(name: str) -> Callable[[Row], str]:
    return lambda row: f"{getattr(row, name):,}" if row.layers or getattr(row, name) else ""


def field(row: Row) -> str:
    """195, all, or ? where it is not one region that is the same for every unit."""
    return str(row.field or "?") if row.layers or row.field else ""
