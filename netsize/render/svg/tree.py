"""The modules by each quantity, as treemaps side by side."""

from netsize.render.figures import Figure, Quantity, Tree
from netsize.render.svg.drawing import EDGE, KINDS, LETTER, OTHER, Drawing, fitted
from netsize.render.treemap import Rectangle, laid_out
from netsize.results.tree import ROOT, Node
from netsize.results.words import percent

HEIGHT = 230
SIDE_BY_SIDE = 3
SMALLEST = 1.0  # of a side: what is smaller is not drawn


def tree(drawing: Drawing, figure: Figure) -> None:
    """The first quantities: as many as stand side by side."""
    assert isinstance(figure, Tree)
    shown = [(at, quantity) for at, quantity in enumerate(figure.quantities) if quantity.total][:SIDE_BY_SIDE]
    if not shown:
        return
    width = (drawing.inner - 12 * (len(shown) - 1)) / len(shown)
    for place, (at, quantity) in enumerate(shown):
        x = EDGE + place * (width + 12)
        drawing.label(x, drawing.y + 12, quantity.title, "head")
        _treemap(drawing, figure, at, quantity, Rectangle(x, drawing.y + 20, width, HEIGHT))
    drawing.down(HEIGHT + 28)
    used = dict.fromkeys(node.kind for node in figure.nodes if node.kind and any(node.values[at] for at, _ in shown))
    drawing.legend([(KINDS.get(kind, OTHER), figure.kinds.get(kind, kind)) for kind in used])


def _treemap(drawing: Drawing, figure: Tree, at: int, quantity: Quantity, whole: Rectangle) -> None:
    nodes = figure.nodes
    rectangles = laid_out(nodes, at, whole)
    inner = {node.parent for node in nodes}
    for index, (node, place) in enumerate(zip(nodes, rectangles)):
        if index in inner or min(place.width, place.height) < SMALLEST or not node.values[at]:
            continue
        share = percent(node.values[at] / quantity.total)
        drawing.shape(
            "rect", f"{node.path or node.name}: {node.values[at]:,} {quantity.title}, {share}",
            x=place.x, y=place.y, width=place.width, height=place.height, fill=KINDS.get(node.kind, OTHER),
            stroke="#ffffff", stroke_width=0.8,
        )  # fmt: skip
        _named(drawing, node, place, share)
    for index, (node, place) in enumerate(zip(nodes, rectangles)):
        if node.parent == 0 and index in inner:
            drawing.shape("rect", x=place.x, y=place.y, width=place.width, height=place.height, fill="none",
                          stroke="#ffffff", stroke_width=2.5)  # fmt: skip
            name = fitted(f"{node.name} {percent(node.values[at] / quantity.total)}", place.width - 8)
            if name and place.height > 40:
                drawing.shape("rect", x=place.x + 1, y=place.y + 1, width=len(name) * LETTER + 6, height=15,
                              fill="#ffffff", fill_opacity=0.85)  # fmt: skip
                drawing.label(place.x + 4, place.y + 12, name)


def _named(drawing: Drawing, node: Node, place: Rectangle, share: str) -> None:
    name = fitted(node.name, place.width - 6)
    middle = place.y + place.height / 2
    if name and place.height >= 34 and place.width >= len(share) * LETTER + 6:
        drawing.label(place.x + place.width / 2, middle - 2, name, "middle")
        drawing.label(place.x + place.width / 2, middle + 12, share, "middle")
    elif name and place.height >= 18 and node.parent != ROOT:
        drawing.label(place.x + place.width / 2, middle + 4, name, "middle")
