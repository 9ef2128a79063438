// Charts one below the other, with a bar for each layer, in order: the same place is the same layer in all of them.

const TALL = 92; // pixels of a chart
const GAP = 22; // above it, for its title

class Bars {
  constructor(container, figure) {
    this.figure = figure;
    this.at = -1;
    const charts = figure.quantities.length;
    this.canvas = shape("svg", { class: "bars", tabindex: 0, role: "img" });
    this.told = element("p", { class: "hint", "aria-live": "polite" }, "Point at a bar, or move with the arrow keys.");
    this.area = element("div", { class: "picture" }, this.canvas, this.told);
    this.height = charts * (TALL + GAP);
    container.append(element("h2", {}, figure.title), this.area);
    this.canvas.addEventListener("pointermove", (event) => this.move(event));
    this.canvas.addEventListener("keydown", (event) => {
      const step = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
      if (!step) return;
      event.preventDefault();
      this.mark(Math.min(this.figure.names.length - 1, Math.max(0, this.at + step)));
    });
    on("search", () => this.draw());
    redrawn(this.area, () => this.draw());
  }

  draw() {
    const width = this.area.clientWidth;
    if (!width) return;
    const { quantities, values, names } = this.figure;
    this.canvas.setAttribute("viewBox", `0 0 ${width} ${this.height}`);
    this.canvas.setAttribute("height", this.height);
    this.canvas.setAttribute("aria-label", quantities.map((quantity, index) => `${quantity.title}: ${this.summary(index)}`).join("; "));
    this.step = width / Math.max(1, names.length);
    this.cursor = shape("rect", { class: "cursor", width: Math.max(1, this.step), height: this.height, display: "none" });
    const charts = quantities.flatMap((quantity, index) => {
      const base = (index + 1) * (TALL + GAP);
      const most = values[index].reduce((most, value) => Math.max(most, Number(value)), 0) || 1;
      return [
        shape("text", { x: 0, y: base - TALL - 6 }, `${quantity.title}: ${this.summary(index)}`),
        ...this.bars(values[index], width, base, most),
        shape("line", { x1: 0, x2: width, y1: base, y2: base }),
      ];
    });
    this.canvas.replaceChildren(this.cursor, ...charts);
  }

  summary(index) {
    const numbers = this.figure.values[index].map(Number);
    const most = numbers.reduce((found, value, at) => (value > numbers[found] ? at : found), 0);
    const quantity = this.figure.quantities[index];
    return numbers.length ? `most in ${this.figure.names[most]}, ${percent(shareOf(numbers[most], quantity))}` : "none";
  }

  // One path for each kind of layer; where several bars share a pixel, the highest stands.
  bars(values, width, base, most) {
    const columns = Math.min(values.length, Math.ceil(width));
    const heights = new Float64Array(columns);
    const kinds = new Array(columns);
    values.forEach((value, index) => {
      const column = Math.floor((index * columns) / values.length);
      if (Number(value) >= heights[column]) {
        const dim = matches(this.figure.names[index]) ? "" : " dim";
        [heights[column], kinds[column]] = [Number(value), `kind-${this.figure.kind[index]}${dim}`];
      }
    });
    const paths = {};
    const wide = width / columns;
    heights.forEach((height, column) => {
      if (!height) return;
      const tall = Math.max(1, (height / most) * TALL);
      const inset = wide > 4 ? 1 : 0;
      (paths[kinds[column]] ||= []).push(`M${(column * wide + inset / 2).toFixed(2)} ${base}v${(-tall).toFixed(2)}h${(wide - inset).toFixed(2)}v${tall.toFixed(2)}z`);
    });
    return Object.entries(paths).map(([kind, parts]) => shape("path", { class: `bar ${kind}`, d: parts.join("") }));
  }

  move(event) {
    const box = this.canvas.getBoundingClientRect();
    this.mark(Math.floor(((event.clientX - box.left) / box.width) * this.figure.names.length));
  }

  mark(index) {
    const { names, quantities, values } = this.figure;
    if (index < 0 || index >= names.length || !this.cursor) return;
    this.at = index;
    this.cursor.setAttribute("x", index * this.step);
    this.cursor.removeAttribute("display");
    const parts = quantities.map((quantity, at) => `${amount(values[at][index], quantity)} ${quantity.title} (${percent(shareOf(values[at][index], quantity))})`);
    this.told.textContent = `${names[index]}: ${parts.join(", ")}`;
  }
}
