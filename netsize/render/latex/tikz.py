"""TikZ: a scene as a document of its own, whose page is as large as the figure. It needs no more than LaTeX's own
packages and TikZ."""

from netsize.render.figures import Scene, Shape
from netsize.render.latex.text import escaped
from netsize.render.svg.drawing import KINDS, OTHER, shaded
from netsize.render.svg.scene import LIGHT

SCALE = 0.75  # points of a pixel
EDGE = 4.0  # points around the figure
TEXTS = {
    "size": "anchor=base, font=\\sffamily\\tiny", "name": "anchor=base, font=\\sffamily\\tiny, text=gray",
    "operation": "anchor=base east, font=\\sffamily\\tiny, text=gray", "sign": "anchor=base",
    "repeat": "anchor=base west, font=\\sffamily\\bfseries\\scriptsize",
}  # fmt: skip
SIGNS = {"+": "$+$", "-": "$-$", "×": r"$\times$", "÷": r"$\div$", "⊔": r"$\sqcup$"}


def standalone(scene: Scene) -> str:
    """A document that pdflatex compiles; its tikzpicture may be taken into another one."""
    width, height = (f"{size * SCALE + 2 * EDGE:.1f}bp" for size in (scene.width, scene.height))
    colours: dict[str, str] = {}
    body = []
    faces: dict[int | None, int] = {}
    for shape in scene.shapes:
        face = faces[shape.box] = faces.get(shape.box, -1) + 1
        body.append(_drawn(shape, scene.height, min(face, 2), colours))
    return "\n".join(
        [
            f"% {escaped(scene.title)}",
            r"\documentclass{article}",
            f"\\usepackage[papersize={{{width},{height}}},margin={EDGE:.0f}bp]{{geometry}}",
            r"\usepackage{tikz}",
            r"\usetikzlibrary{arrows.meta}",
            r"\pagestyle{empty}\setlength{\parindent}{0pt}\setlength{\topskip}{0pt}",
            *(f"\\definecolor{{{name}}}{{HTML}}{{{colour}}}" for colour, name in colours.items()),
            r"\begin{document}",
            r"\begin{tikzpicture}[x=1bp, y=1bp, line width=0.4pt, >={Latex[length=3.5pt]}]",
            f"\\useasboundingbox (0,0) rectangle ({scene.width * SCALE:.1f},{scene.height * SCALE:.1f});",
            *body,
            r"\end{tikzpicture}",
            r"\end{document}",
            "",
        ]
    )


def _drawn(shape: Shape, height: float, face: int, colours: dict[str, str]) -> str:
    points = [f"({x * SCALE:.1f},{(height - y) * SCALE:.1f})" for x, y in shape.points]
    arrow = "->, " if shape.arrow else ""
    if shape.kind == "text":
        text = SIGNS.get(shape.text) or "$\\times$".join(map(escaped, shape.text.split("×")))
        return f"\\node[{TEXTS[shape.style]}, inner sep=0pt] at {points[0]} {{{text}}};"
    if shape.kind == "polygon":
        colour = shaded(KINDS.get(shape.style, OTHER), LIGHT[face]).removeprefix("#").upper()
        name = colours.setdefault(colour, f"box{len(colours)}")
        return f"\\filldraw[fill={name}, draw=gray] {' -- '.join(points)} -- cycle;"
    if shape.kind == "circle":
        return f"\\filldraw[fill=white] {points[0]} circle[radius={shape.radius * SCALE:.1f}bp];"
    if shape.kind == "frame":
        return f"\\draw[gray, dashed, rounded corners=4pt] {points[0]} rectangle {points[1]};"
    if shape.kind == "line":
        return f"\\draw[{arrow}gray] {' -- '.join(points)};"
    start, straight, one, other, end = points
    return f"\\draw[{arrow}gray] {start} -- {straight} .. controls {one} and {other} .. {end};"
