"""Receptive fields on the input, one inside of the other."""

from netsize.render.figures import Fields, Figure
from netsize.render.svg.drawing import EDGE, GRID, SERIES, Drawing

HEIGHT = 360.0


def fields(drawing: Drawing, figure: Figure) -> None:
    """The input is grey; what lies beyond it is padding."""
    assert isinstance(figure, Fields)
    drawing.section(figure.title)
    rows, columns = figure.extent
    top = min(0, *(region[0] for region in figure.regions))
    left = min(0, *(region[1] for region in figure.regions))
    bottom = max(rows, *(region[0] + region[2] for region in figure.regions))
    right = max(columns, *(region[1] + region[3] for region in figure.regions))
    scale = min(drawing.inner / (right - left), HEIGHT / (bottom - top))
    whole = (0, 0, rows, columns)
    outlines = [*((region, SERIES[i % len(SERIES)], figure.names[i]) for i, region in enumerate(figure.regions))]
    for (y, x, high, wide), colour, name in [(whole, GRID, "the input"), *reversed(outlines)]:
        drawing.shape(
            "rect", name, x=EDGE + (x - left) * scale, y=drawing.y + (y - top) * scale, width=wide * scale,
            height=max(2.0, high * scale), fill=colour, fill_opacity=0.45 if colour != GRID else 1.0, stroke=colour,
        )  # fmt: skip
    drawing.down(max(2.0, (bottom - top) * scale) + 8)
    drawing.legend([(colour, name) for _, colour, name in outlines])
