"""HTML files: what stands in them, and what a browser makes of them."""

import json
import re
import shutil
from collections.abc import Callable, Iterator
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from torch import Tensor, nn

import netsize
from netsize.lecture.formulas import Convolution
from netsize.lecture.grid import grid_of
from netsize.render import render
from netsize.render.figures import WHOLE
from netsize.render.html.document import FOLDER, SCRIPTS
from netsize.render.style import Style
from netsize.render.treemap import laid_out
from netsize.results.tree import Leaf, tree

CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
HOSTILE = [
    "</script><script>alert(1)</script>", '"><img src=x onerror=alert(2)>', "' onfocus='alert(3)", "\u202egnp_exe",
    "a\u2028b", "tab\there", "\x1b[31mred", "-->", "]]>", "日本語", "\ud800",
]  # fmt: skip


class Chain(nn.Module):
    """One module behind the other, whatever they are called."""

    def __init__(self, modules: dict[str, nn.Module]) -> None:
        super().__init__()
        for name, module in modules.items():
            self.add_module(name, module)

    def forward(self, x: Tensor) -> Tensor:
        for module in self.children():
            x = module(x)
        return x


def hostile() -> nn.Module:
    return Chain({name: nn.Linear(4, 4) for name in HOSTILE})


def deep(layers: int = 10_000) -> nn.Module:
    """Of 100 modules."""
    each = layers // 100
    blocks = {f"stage{i}": nn.Sequential(*(nn.Linear(4, 4) for _ in range(each))) for i in range(100)}
    return Chain(blocks)


NETWORKS = {
    "alexnet": lambda: netsize.analyze("alexnet", device="cpu"),
    "resnet152": lambda: netsize.analyze("resnet152", verify=False),
    "vit_b_16": lambda: netsize.analyze("vit_b_16", verify=False),
    "googlenet": lambda: netsize.analyze("googlenet", verify=False),  # 6,379,984 of its parameters are not used
    "hostile": lambda: netsize.analyze(hostile(), "4", device="cpu"),
    "deep": lambda: netsize.analyze(deep(), "4", verify=False),
}


class Files(dict[str, tuple[Any, Path]]):
    """Each report with its file, made when it is asked for: a worker may need few of them."""

    def __init__(self, make: dict[str, Callable[[], Any]], folder: Path) -> None:
        super().__init__()
        self.make, self.folder = make, folder

    def __missing__(self, name: str) -> tuple[Any, Path]:
        report = self.make[name]()
        file = self.folder / f"{name}.html"
        file.write_text(render(report, "html", Style()), encoding="utf-8")
        self[name] = (report, file)
        return self[name]


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> Files:
    return Files(NETWORKS, tmp_path_factory.mktemp("pictures"))


def embedded(file: Path) -> Any:
    found = re.search(
        '<script type="application/json" id="data">(.*?)</script>', file.read_text(encoding="utf-8"), re.S
    )
    assert found is not None
    return json.loads(found[1])


@pytest.mark.parametrize("name, most", [("alexnet", 100_000), ("resnet152", 400_000)])
def test_a_file_is_small(files, name: str, most: int) -> None:
    assert files[name][1].stat().st_size <= most


def test_script_and_style_are_small_and_load_nothing() -> None:
    texts = {name: (FOLDER / name).read_text() for name in (*SCRIPTS, "page.css")}
    assert set(texts) == {file.name for file in FOLDER.iterdir() if file.suffix in (".js", ".css")}
    assert sum(map(len, texts.values())) <= 60_000
    for text in texts.values():
        assert not re.search(r"\beval\(|new Function|innerHTML|@import|url\(|fetch\(|import\(", text)
        assert set(re.findall(r"https?://[^\"'\s]+", text)) <= {"http://www.w3.org/2000/svg"}


@pytest.mark.parametrize("name", NETWORKS)
def test_tiles_add_up_to_the_totals(files, name: str) -> None:
    """The leaves of each quantity; and every module is the sum of those below it."""
    report, file = files[name]
    figure = embedded(file)["figures"][0]
    parents, leaves = figure["parents"], set(range(len(figure["parents"]))) - set(figure["parents"])
    for quantity, values in zip(figure["quantities"], figure["values"]):
        total = getattr(report.totals, quantity["key"])
        assert quantity["total"] == total == values[0] == sum(values[leaf] for leaf in leaves)
    for values in figure["values"]:
        sums = [0] * len(values)
        for index in range(1, len(values)):
            sums[parents[index]] += values[index]
        assert all(sums[index] == values[index] for index in range(len(values)) if index not in leaves)


@pytest.mark.parametrize("name", NETWORKS)
def test_the_table_has_the_rows_of_the_report(files, name: str) -> None:
    report, file = files[name]
    table = embedded(file)["layers"]
    assert [row[4:7] for row in table["rows"]] == [[r.units, r.connections, r.weights] for r in report.layers]
    assert [column.get("total") for column in table["columns"][4:7]] == [
        report.totals.units, report.totals.connections, report.totals.weights,
    ]  # fmt: skip


def test_a_row_has_its_derivation_and_what_running_it_showed(files) -> None:
    table = embedded(files["alexnet"][1])["layers"]
    row, at = table["rows"][1], len(table["columns"])
    assert "connections = units * fan_in = 139,968 * 1,600 = 223,948,800" in table["steps"][row[at]]
    assert "223,948,800 connections by running it on ones" in table["steps"][row[at + 1]][0]


def test_what_is_unused_is_a_tile_and_a_warning(files) -> None:
    report, file = files["googlenet"]
    figure = embedded(file)["figures"][0]
    unused = [value for value, kind in zip(figure["values"][3], figure["kind"]) if kind == "unused"]
    assert sum(unused) == sum(size for _, size in report.unused) == 6_379_984
    assert '<ul class="warnings"><li>unused in a forward pass: 6,379,984 parameters' in file.read_text()


class Elements(HTMLParser):
    """The elements of a file, and what is in its scripts."""

    def __init__(self) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.attributes: list[str] = []

    def handle_starttag(self, tag: str, attrs: Any) -> None:
        self.tags.append(tag)
        self.attributes += [name for name, _ in attrs]


def test_names_break_out_of_nothing(files) -> None:
    text = files["hostile"][1].read_text(encoding="utf-8")
    found = Elements()
    found.feed(text)
    assert (found.tags.count("script"), found.tags.count("img")) == (2, 0)
    assert not [name for name in found.attributes if name.startswith("on")]
    assert not re.search("[\x00-\x09\x0b-\x1f\u2028\u202e\ud800-\udfff]", text)
    names = [row[0] for row in embedded(files["hostile"][1])["layers"]["rows"]]
    assert names[3:8] == ["\\u202egnp_exe", "a\\u2028b", "tab\\u0009here", "\\u001b[31mred", "-->"]


TREES = [
    # paths, and the nodes that they make: a chain is one node, a layer in a layer is told by its call
    (["a.b.c", "a.b.d"], ["net", "a.b", "c", "d"]),
    (["a", "b"], ["net", "a", "b"]),
    (["a.x", "a", "b"], ["net", "a", "x", "#1 conv", "b"]),
    (["a", "a"], ["net", "a", "#1 conv", "#2 conv"]),
    ([""], ["net"]),
    (["", "a"], ["net", "#1 conv", "a"]),
]


@pytest.mark.parametrize("paths, names", TREES)
def test_a_tree_of_modules(paths: list[str], names: list[str]) -> None:
    leaves = [Leaf(path, path, "conv", (2**i,), i, paths[:i].count(path)) for i, path in enumerate(paths)]
    nodes = tree(leaves, "net")
    assert [node.name for node in nodes] == names
    assert nodes[0].values == (2 ** len(paths) - 1,)
    assert sorted(node.row for node in nodes if node.row >= 0) == list(range(len(paths)))


@given(st.lists(st.integers(0, 10**15), min_size=1, max_size=40), st.integers(1, 5))
@example([2, 27_299_636_742], 1)
def test_areas_of_a_treemap_are_shares_and_overlap_nowhere(values: list[int], modules: int) -> None:
    nodes = tree([Leaf(f"m{i % modules}.l{i}", "", "conv", (value,), i) for i, value in enumerate(values)], "net")
    rectangles = laid_out(nodes, 0, WHOLE)
    whole, total = WHOLE.width * WHOLE.height, sum(values)
    for node, rectangle in zip(nodes, rectangles):
        if total:
            area = rectangle.width * rectangle.height
            assert area == pytest.approx(whole * node.values[0] / total, rel=1e-6, abs=1e-3)
        if node.parent >= 0:
            outer = rectangles[node.parent]
            ends = [rectangle.x + rectangle.width - outer.x - outer.width, outer.x - rectangle.x,
                    rectangle.y + rectangle.height - outer.y - outer.height, outer.y - rectangle.y]  # fmt: skip
            assert max(ends) < 0.01  # sides are rounded to whole units before they are drawn


# In a browser. Its own requests are its maker's; those of the page would be seen below.
FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
         "--disable-component-update", "--disable-sync"]  # fmt: skip


class Window:
    """One window of a browser, for one file after the other (making a window takes longer than showing a file); each
    must say nothing and ask for nothing."""

    def __init__(self, browser: Any) -> None:
        self.browser = browser
        self.said: list[str] = []
        self.page = browser.new_page()
        self.page.on("console", lambda message: self.said.append(message.text))
        self.page.on("pageerror", lambda error: self.said.append(str(error)))
        self.page.on("dialog", lambda dialog: (self.said.append("a dialog"), dialog.dismiss()))
        self.page.on("request", self._requested)

    def show(self, file: Path, width: int = 1280, scheme: str = "light", ready: str = "section") -> None:
        self.said.clear()
        self.page.mouse.move(0, 0)
        self.page.set_viewport_size({"width": width, "height": 900})
        self.page.emulate_media(color_scheme=scheme)
        self.page.goto(file.as_uri())
        self.page.wait_for_selector(ready)

    def _requested(self, request: Any) -> None:
        if not request.url.startswith("file:") or request.resource_type != "document":
            self.said.append(f"{request.resource_type} {request.url}")

    def shares(self) -> dict[int, float]:
        """The area of each tile that is drawn, as a share of the picture."""
        return self.page.evaluate(
            """() => {
                const whole = document.querySelector("svg.tree").viewBox.baseVal;
                return Object.fromEntries([...document.querySelectorAll("svg.tree [data-node]")].map((tile) => {
                    const { width, height } = tile.querySelector("rect");
                    return [tile.dataset.node, width.baseVal.value * height.baseVal.value / whole.width / whole.height];
                }));
            }"""
        )

    def press(self, name: str) -> None:
        self.page.get_by_role("radio", name=name, exact=True).click()


@pytest.fixture(scope="module")
def window() -> Iterator[Window]:
    if CHROMIUM is None:
        pytest.skip("no Chromium here")
    playwright = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
    with playwright.sync_playwright() as started:
        browser = started.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        yield Window(browser)
        browser.close()


@pytest.mark.browser
@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [360, 1280, 2560])
@pytest.mark.parametrize("name", NETWORKS)
def test_a_browser_shows_it_without_an_error(files, window, name: str, width: int, scheme: str) -> None:
    report, file = files[name]
    window.show(file, width, scheme)
    assert window.said == []
    assert window.page.evaluate("document.documentElement.scrollWidth") <= width  # nothing sticks out
    drawn = window.shares()
    assert sum(drawn.values()) == pytest.approx(1, abs=0.1 if name == "deep" else 0.02)  # edges are whole units
    assert window.page.locator("tbody tr").count() == min(200, len(report.layers))


@pytest.mark.browser
def test_areas_of_tiles_are_shares_of_each_quantity(files, window) -> None:
    report, file = files["alexnet"]
    window.show(file)
    figure = embedded(file)["figures"][0]
    for quantity, values in zip(figure["quantities"], figure["values"]):
        window.press(quantity["title"])
        for node, share in window.shares().items():
            assert share == pytest.approx(values[int(node)] / quantity["total"], abs=0.001)
    assert window.said == []


@pytest.mark.browser
def test_tiles_are_pointed_at_opened_and_left(files, window) -> None:
    _, file = files["resnet152"]
    window.show(file)
    page = window.page
    window.press("weights")
    page.locator("svg.tree .module text").first.wait_for()
    trail = page.locator("nav.trail button")
    assert trail.all_inner_texts() == ["resnet152"]
    page.locator("svg.tree .tile", has_text="conv2").first.click()
    assert trail.count() == 2
    first = page.locator("svg.tree .tile").first
    first.hover()
    assert "connections = units * fan_in" in page.locator("aside.details").inner_text()
    page.keyboard.press("Tab")
    first.focus()
    page.keyboard.press("ArrowRight")
    assert page.evaluate("document.activeElement.closest('[data-node]') !== null")
    page.keyboard.press("Escape")
    assert trail.count() == 1
    page.keyboard.press("ArrowRight")  # from conv1, which is a layer, to one of layer1
    page.keyboard.press("Enter")
    assert trail.count() == 2
    trail.first.click()
    assert trail.count() == 1
    window.press("icicle")
    assert "resnet152" in page.locator("svg.tree .tile").first.text_content()
    assert window.said == []


@pytest.mark.browser
def test_search_filters_and_titles_sort(files, window) -> None:
    report, file = files["resnet152"]
    window.show(file)
    page = window.page
    page.get_by_role("searchbox").fill("layer4")
    page.locator("svg.tree .dim").first.wait_for()
    expected = [row.name for row in report.layers if "layer4" in row.name]
    assert page.locator("tbody th").all_inner_texts() == expected
    assert f"{len(expected)} of {len(report.layers)} rows" in page.locator("[role=status]").inner_text()
    page.get_by_role("searchbox").fill("")
    page.locator("svg.tree .dim").first.wait_for(state="detached")
    page.get_by_role("button", name="weights", exact=True).click()
    largest = [row.name for row in sorted(report.layers, key=lambda row: -row.weights)]
    assert page.locator("tbody th").all_inner_texts() == largest[:200]
    assert page.locator("th[aria-sort=descending]").inner_text().startswith("weights")
    assert window.said == []


STRIDED = Convolution((1, 3, 7, 9), 2, (3, 3), (2, 2), (1, 1), (2, 2), 1)
RESULTS = {
    # what is shown, its figures, and what stands in the first line of text of one of them
    "compare": (lambda: netsize.compare(["alexnet", "squeezenet1_1"], verify=False), ["rows", "scatter"]),
    "sweep": (lambda: netsize.sweep("alexnet", [62, 63, 64, 96, 224]), ["lines"]),
    "train": (lambda: netsize.training("resnet18", batch=2, device="cpu", measure=True), ["areas", "tree"]),
    "diff": (lambda: difference("vgg16", "vgg19"), ["tree"]),
    "explain": (lambda: netsize.explain("alexnet", "features.3"), []),
    "fields": (lambda: netsize.analyze("alexnet", verify=False, receptive_field=True), ["tree", "bars", "fields"]),
    "draw": (lambda: netsize.draw("resnet18", verify=False), ["scene"]),
    "windows": (lambda: replace(netsize.explain("alexnet", "features.0"), grid=grid_of(STRIDED)), ["windows"]),
}  # fmt: skip


def difference(*names: str) -> Any:
    from netsize.results.difference import compare_reports
    from netsize.results.schema import as_dict

    return compare_reports(*(as_dict(netsize.analyze(name, verify=False)) for name in names))


@pytest.fixture(scope="module")
def results(tmp_path_factory: pytest.TempPathFactory) -> Files:
    return Files({name: make for name, (make, _) in RESULTS.items()}, tmp_path_factory.mktemp("results"))


@pytest.mark.parametrize("name", RESULTS)
def test_every_result_has_its_figures(results, name: str) -> None:
    assert [figure["figure"] for figure in embedded(results[name][1]).get("figures", [])] == RESULTS[name][1]


def test_receptive_fields_lie_around_the_middle(results) -> None:
    """AlexNet's sizes are those of its table (11, 51, 99, 131, 163); the first one's units lie 4 apart from -2 on."""
    figure = embedded(results["fields"][1])["figures"][2]
    assert figure["extent"] == [224, 224]
    assert figure["regions"][0] == [-2 + 4 * 27, -2 + 4 * 27, 11, 11]
    assert [region[2] for region in figure["regions"]] == [11, 51, 99, 131, 163]
    for top, left, height, width in figure["regions"]:
        assert abs(top + height / 2 - 112) <= 8 and (top, height) == (left, width)


def test_parts_of_a_step_add_up_at_each_event(results) -> None:
    training, file = results["train"]
    figure = embedded(file)["figures"][0]
    sums = [sum(sizes) for sizes in zip(*figure["values"])]
    assert sums == training.timeline.live() and max(sums) == sums[figure["peak"]] == training.peak.size
    assert [phase for phase, _ in figure["phases"]] == ["forward", "backward", "optimizer"]
    assert len(figure["executed"]) > 200  # of 286 operations that a real step has
    assert all(0 <= place < len(sums) for place, _ in figure["executed"])
    tree = embedded(file)["figures"][1]
    assert tree["quantities"][0]["total"] == tree["values"][0][0] == training.parts["activations"]


def test_a_difference_adds_up(results) -> None:
    change, _ = results["diff"]
    figure = embedded(results["diff"][1])["figures"][0]
    totals = {quantity["title"]: values[0] for quantity, values in zip(figure["quantities"], figure["values"])}
    for name in ("units", "connections", "weights"):
        assert totals[f"{name} before"] == change.before["totals"][name]
        assert totals[f"{name} after"] == change.after["totals"][name]
        assert totals[f"{name}: change"] == totals[f"{name} after"] - totals[f"{name} before"]  # all are new


@pytest.mark.browser
@pytest.mark.parametrize("width", [360, 1280])
@pytest.mark.parametrize("name", RESULTS)
def test_a_browser_shows_every_result_without_an_error(results, window, name: str, width: int) -> None:
    window.show(results[name][1], width, ready="h1")
    page = window.page
    assert window.said == []
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    assert page.locator("section svg[role=img], section svg.tree").count() == len(RESULTS[name][1])
    assert page.evaluate("[...document.querySelectorAll('svg [d], svg [points]')].every((n) => "
                         "!/NaN|undefined/.test(n.outerHTML))")  # fmt: skip


@pytest.mark.browser
def test_the_memory_of_a_step_is_pointed_at(results, window) -> None:
    window.show(results["train"][1])
    chart = window.page.locator("svg.chart")
    told = window.page.locator(".picture p.hint").first
    assert "peak:" in told.inner_text()
    box = chart.bounding_box()
    window.page.mouse.move(box["x"] + box["width"] / 3, box["y"] + box["height"] / 2)
    assert re.search(r"^(forward|backward) .*: .* = .*activations", told.inner_text())


@pytest.mark.browser
def test_a_box_of_a_network_says_what_it_is(results, window) -> None:
    window.show(results["draw"][1])
    window.page.locator("svg.scene polygon.kind-conv.face0").first.hover()
    told = "conv1 · conv 7x7 /2 · 64x112x112: 118,013,952 connections, 9,408 weights"
    assert window.page.locator("section p.hint").first.inner_text() == told


@pytest.mark.browser
def test_the_words_are_there_without_a_script(files, window) -> None:
    context = window.browser.new_context(java_script_enabled=False)
    page = context.new_page()
    page.goto(files["alexnet"][1].as_uri())
    shown = page.locator("main").inner_text()
    assert "Most connections: features.3, 31.4%" in shown
    assert "8 of 8 layers verified by a forward pass on cpu" in shown
    context.close()
