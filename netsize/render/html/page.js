// The page: a search, and each figure and table of the data one below the other.

const pictures = document.getElementById("pictures");
const kinds = { tree: Tree, bars: Bars, rows: Rows, scatter: Scatter, lines: Lines, areas: Areas, windows: Windows, fields: Fields, scene: Scene };

function search() {
  const box = element("input", { type: "search", placeholder: "Search", "aria-label": "Search", spellcheck: "false" });
  let waiting = 0;
  box.addEventListener("input", () => {
    clearTimeout(waiting);
    waiting = setTimeout(() => {
      page.query = box.value.trim().toLowerCase();
      tell("search", page.query);
    }, 80);
  });
  return element("form", { class: "search", role: "search" }, box);
}

pictures.replaceChildren();
const form = search();
form.addEventListener("submit", (event) => event.preventDefault());
if (data.layers || data.tables) pictures.append(form);
for (const figure of data.figures || []) {
  const section = element("section");
  pictures.append(section);
  new kinds[figure.figure](section, figure, data.layers);
}
for (const table of [...(data.layers ? [data.layers] : []), ...(data.tables || [])]) {
  const section = element("section", { class: table.rows.length > 40 ? "table long" : "table" });
  pictures.append(section);
  new Table(section, table);
}
