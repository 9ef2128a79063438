"""What `netsize draw` shows: the boxes as a table; `layout` places them for pictures, `scene` draws them."""

from netsize.lecture.formulas import by
from netsize.render.diagram.scene import scene
from netsize.render.figures import Figure
from netsize.render.page import Column, Page, Record, Sheet
from netsize.render.style import Style
from netsize.results import words
from netsize.results.diagram import Diagram, as_dict


def page(diagram: Diagram, style: Style) -> Page:
    """A line for each box, with those that it is made of."""
    columns = (
        Column("box", "box"),
        Column("path", "module", 4, left=True),
        Column("operation", "operation", 8, left=True),
        Column("output", "output", 9, left=True),
        Column("sources", "of", 7, left=True),
        Column("times", "times", 6),
    )
    records = tuple(_record(diagram, index) for index in range(len(diagram.boxes)))
    report = diagram.report
    notes = (*words.notes(report), words.verification(report))
    sheet = Sheet(" · ".join(words.header(report)[:-1]), columns, records, notes)

    def figures() -> tuple[Figure, ...]:
        return (scene(diagram),)

    return Page((sheet,), sheet, lambda: as_dict(diagram), figures)


def _record(diagram: Diagram, index: int) -> Record:
    box = diagram.boxes[index]
    times = 1
    for repeat in diagram.repeats:
        times *= repeat.times if repeat.first <= index < repeat.end else 1
    return {
        "box": str(index),
        "path": box.path,
        "operation": box.operation,
        "output": by(box.shape),
        "sources": ", ".join(map(str, box.sources)),
        "times": times,
    }
