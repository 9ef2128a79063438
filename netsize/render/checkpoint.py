"""Files of weights: a line for each module, or for each tensor."""

from netsize.lecture.formulas import by
from netsize.machine import binary
from netsize.render.page import Column, Page, Record, Sheet
from netsize.render.style import MOST_ROWS, Style
from netsize.results import words
from netsize.results.checkpoint import UNTOLD, Checkpoint, Part, as_dict

COLUMNS = (
    Column("name", "tensors"),
    Column("shape", "", 3, left=True),
    Column("type", "type", 5, left=True),
    Column("weights", "weights"),
    Column("share", "", 4, words.percent, near=True),
    Column("bytes", "bytes", 8),
    Column("stored", "", 4, words.percent, near=True),
)


def page(checkpoint: Checkpoint, style: Style) -> Page:
    """Rolled up by name; all tensors for programs."""
    stored = checkpoint.stored
    parts = checkpoint.parts(style.depth, MOST_ROWS)
    if style.sort or style.top:
        parts = tuple(sorted(parts, key=lambda part: -part.weights))
    if style.top is not None and len(parts) > style.top:
        others = parts[style.top :]
        kinds = tuple(dict.fromkeys(kind for part in others for kind in part.types))
        sums = sum(part.weights for part in others), sum(part.bytes for part in others)
        rest = Part(f"[{len(others)} others]", sum(part.tensors for part in others), None, kinds, *sums)
        parts = (*parts[: style.top], rest)
    total: Record = {"name": "total", "weights": stored.weights, "bytes": stored.bytes}
    records = (*(_record(checkpoint, part) for part in parts), total)
    files = f" in {stored.files} files" if stored.files > 1 else ""
    title = f"{stored.model} · {stored.format} · {len(stored.tensors):,} tensors{files}"
    every = tuple(_record(checkpoint, part) for part in checkpoint.parts(10**6, MOST_ROWS))
    return Page(
        (Sheet(title, COLUMNS, records, tuple(_notes(checkpoint))),),
        Sheet(title, COLUMNS, every),
        lambda: as_dict(checkpoint),
    )


def _record(checkpoint: Checkpoint, part: Part) -> Record:
    stored = checkpoint.stored
    return {
        "name": part.name,
        "shape": f"{part.tensors:,} tensors" if part.shape is None else by(part.shape) or "1",
        "type": ", ".join(part.types),
        "weights": part.weights,
        "share": part.weights / stored.weights if stored.weights else 0.0,
        "bytes": part.bytes,
        "stored": part.bytes / stored.bytes if stored.bytes else 0.0,
    }


def _notes(checkpoint: Checkpoint) -> list[str]:
    stored = checkpoint.stored
    kinds = [f"{kind}: {weights:,} weights in {binary(size)}" for kind, (weights, size) in checkpoint.types().items()]
    return [
        f"{stored.file_bytes:,} bytes = {stored.bytes:,} of tensors + {stored.other_bytes:,} of headers and padding",
        *(kinds if len(kinds) > 1 else []),
        *stored.notes,
        f"not counted: {UNTOLD}",
    ]
