// Beside the pictures: what is known of the layer or the module that somebody points at.

function details(container, layers) {
  const panel = element("aside", { class: "details", "aria-live": "polite", "aria-label": "Details" });
  container.append(panel);
  const blank = () => panel.replaceChildren(
    element("p", { class: "hint" }, "Point at a tile, or move to one with the Tab key and the arrows: Enter opens it, Escape goes back."),
  );
  blank();
  on("point", (what) => {
    if (!what) return;
    const numbers = element("dl");
    what.quantities.forEach((quantity, index) => {
      const share = percent(shareOf(what.values[index], quantity));
      numbers.append(
        element("dt", {}, quantity.title),
        element("dd", {}, amount(what.values[index], quantity), element("span", { class: "share" }, share)),
      );
    });
    const row = layers && what.row >= 0 ? layers.rows[what.row] : null;
    panel.replaceChildren(
      element("h3", {}, element("bdi", {}, what.path || what.name)),
      ...(row ? [element("p", {}, `${row[1]} · ${row[2]} · ${row[3]}`)] : what.inside ? [element("p", {}, what.inside)] : []),
      numbers,
      ...(row ? derivation(layers, row) : []),
    );
  });
}

// The steps of `netsize explain`, and what running the layer showed.
function derivation(layers, row) {
  const at = layers.columns.length;
  const list = element("ol", { class: "steps" }, ...layers.steps[row[at]].map((step) => element("li", {}, step)));
  const shown = layers.steps[row[at + 1]].map((step) => element("p", { class: `mark ${row[at + 2]}` }, step));
  return [list, ...shown];
}
