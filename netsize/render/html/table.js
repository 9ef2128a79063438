// A table that is sorted by its titles and filtered by the search.

const FIRST = 200; // rows at once

class Table {
  constructor(container, table) {
    this.table = table;
    this.order = null; // column, and whether the largest is first
    this.all = false;
    this.body = element("tbody");
    this.heads = table.columns.map((column, index) => {
      const button = element("button", { type: "button" }, column.title);
      button.addEventListener("click", () => this.sort(index));
      return element("th", { scope: "col", class: column.kind }, button);
    });
    const foot = table.columns.some((column) => column.total !== undefined)
      ? [element("tfoot", {}, element("tr", {}, ...this.total()))]
      : [];
    this.more = element("button", { type: "button", class: "more" });
    this.more.addEventListener("click", () => {
      this.all = true;
      this.draw();
    });
    this.found = element("p", { class: "hint", role: "status" });
    const whole = element("table", {}, element("thead", {}, element("tr", {}, ...this.heads)), this.body, ...foot);
    container.append(
      element("h2", {}, table.title || "Layers"), this.found, element("div", { class: "wide", tabindex: 0, role: "region", "aria-label": table.title || "Layers" }, whole), this.more,
    );
    on("search", () => this.draw());
    this.draw();
  }

  total() {
    return this.table.columns.map((column, index) => {
      if (!index) return element("th", { scope: "row", class: "text" }, "total");
      return element("td", { class: column.kind }, column.total === undefined ? "" : typeof column.total === "number" ? grouped(column.total) : written(column.total));
    });
  }

  // Cells that are shown as text (19.5 MiB) have the number that they are sorted by beside the rows.
  isNumber(column) {
    return this.table.columns[column].kind !== "text";
  }

  sorted(row, column) {
    return (this.table.numbers ? this.table.numbers[row][column] : this.table.rows[row][column]) ?? -Infinity;
  }

  sort(index) {
    const number = this.isNumber(index);
    const again = this.order && this.order[0] === index;
    this.order = again ? (this.order[1] === number ? [index, !number] : null) : [index, number];
    this.draw();
  }

  draw() {
    const { columns, rows } = this.table;
    let chosen = rows.map((_, index) => index).filter((index) => matches(...columns.map((_, at) => String(rows[index][at]))));
    if (this.order) {
      const [column, falling] = this.order;
      const sign = falling ? -1 : 1;
      const compare = this.isNumber(column)
        ? (a, b) => Number(this.sorted(a, column)) - Number(this.sorted(b, column))
        : (a, b) => String(rows[a][column]).localeCompare(String(rows[b][column]), "en", { numeric: true });
      chosen.sort((a, b) => sign * compare(a, b) || a - b);
    }
    this.heads.forEach((head, index) => {
      const sorted = this.order && this.order[0] === index;
      head.setAttribute("aria-sort", sorted ? (this.order[1] ? "descending" : "ascending") : "none");
    });
    this.found.textContent = page.query ? `${grouped(chosen.length)} of ${grouped(rows.length)} rows` : "";
    const most = this.all ? chosen.length : FIRST;
    this.more.hidden = chosen.length <= most;
    this.more.textContent = `Show all ${grouped(chosen.length)} rows`;
    this.body.replaceChildren(...chosen.slice(0, most).map((index) => this.row(index)));
  }

  row(index) {
    const { columns, rows } = this.table;
    return element("tr", {}, ...columns.map((column, at) => {
      const value = rows[index][at];
      if (!at) return element("th", { scope: "row", class: "text" }, element("bdi", {}, value));
      if (column.kind !== "number") return element("td", { class: column.kind }, String(value));
      const share = shareOf(value, column);
      const cell = element("td", { class: "number" }, grouped(value), element("span", { class: "share" }, share ? percent(share) : ""));
      cell.style.setProperty("--share", `${Math.min(100, share * 100)}%`);
      return cell;
    }));
  }
}

function written(text) {
  return /^\d+$/.test(text) ? grouped(text) : text;
}
