"""LaTeX: formulas as mathematics, tables that fit a page, and all of it compiled where there is a pdflatex."""

import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
from test_html import HOSTILE, Chain, difference
from torch import nn

import netsize
from netsize.render import render
from netsize.render.latex.text import escaped, mathematics
from netsize.render.style import Style

PDFLATEX = shutil.which("pdflatex")
HEAD = r"\documentclass{article}\usepackage{booktabs}\usepackage{pgfplots}\pgfplotsset{compat=1.16}\begin{document}"

FORMULAS = [
    ("K^2 M = 5*5 * 64 = 1,600", r"K^2\,M\,=\,5\cdot 5\,\cdot \,64\,=\,1{,}600"),
    ("floor((27 + 2*2 - 5) / 1) + 1", r"\left\lfloor (27\,+\,2\cdot 2\,-\,5)\,/\,1\right\rfloor \,+\,1"),
    ("units * fan_in", r"\mathrm{units}\,\cdot \,\mathrm{fan\_in}"),
    ("N x places", r"N\,\times \,\mathrm{places}"),
    ("inner axis", r"\mathrm{inner~axis}"),
    ("floor(a / floor(b)) (c)",
     r"\left\lfloor a\,/\,\left\lfloor b\right\rfloor \right\rfloor \,(c)"),
]  # fmt: skip


@pytest.mark.parametrize("text, formula", FORMULAS)
def test_formulas(text: str, formula: str) -> None:
    assert mathematics(text) == formula


TEXTS = [
    ("a_b 50% & $x$ {y} #1", r"a\_b 50\% \& \$x\$ \{y\} \#1"),
    ("[6 others]", "{[}6 others{]}"),  # \\[6 others] would be a distance
    ("✓ equal", r"$\surd$ equal"),
    ("日本", "[U+65E5][U+672C]"),
    ("a\nb", r"a\textbackslash{}u000ab"),
]


@pytest.mark.parametrize("text, shown", TEXTS)
def test_texts(text: str, shown: str) -> None:
    assert escaped(text) == shown


RESULTS: dict[str, Any] = {
    "report": lambda: netsize.analyze("alexnet", verify=False),
    "hostile": lambda: netsize.analyze(Chain({name: nn.Linear(4, 4) for name in HOSTILE}), "4", device="cpu"),
    "a layer": lambda: netsize.explain("alexnet", "features.3"),
    "a network": lambda: netsize.explain("vit_b_16", verify=False),
    "attention": lambda: netsize.explain("vit_b_16", "encoder.layers.encoder_layer_0.self_attention", verify=False),
    "compare": lambda: netsize.compare(["alexnet", "resnet50", "nonesuch"], verify=False),
    "sweep": lambda: netsize.sweep("alexnet", [62, 63, 64, 96, 224]),
    "train": lambda: netsize.training("resnet18", batch=2, device="cpu", measure=True),
    "diff": lambda: difference("vgg16", "vgg19"),
}


@pytest.mark.skipif(PDFLATEX is None, reason="no pdflatex here")
@pytest.mark.parametrize("name", RESULTS)
def test_it_compiles_and_fits_a_page(name: str, tmp_path: Path) -> None:
    """No error, and no line that sticks out by more than 5 pt."""
    text = render(RESULTS[name](), "latex", Style(top=3 if name == "report" else None))
    (tmp_path / "a.tex").write_text("\n".join([HEAD, text, r"\end{document}"]), encoding="utf-8")
    command = [str(PDFLATEX), "-interaction=nonstopmode", "-halt-on-error", "a.tex"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, errors="replace", timeout=120)
    assert done.returncode == 0, done.stdout[-2000:]
    assert [size for size in re.findall(r"Overfull \\hbox \(([\d.]+)pt", done.stdout) if float(size) > 5] == []


def test_a_sweep_brings_its_plot() -> None:
    text = render(RESULTS["sweep"](), "latex", Style())
    assert "\\begin{loglogaxis}[xlabel={input}" in text
    assert "\\addplot coordinates {(63,1) (64,1) (96,2.15956) (224,12.0345)};" in text
    assert "\\addlegendentry{units: input$^{" in text
