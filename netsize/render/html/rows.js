// A bar for each network, in a group for each quantity, on one scale in each group.

class Rows {
  constructor(container, figure) {
    this.figure = figure;
    this.canvas = shape("svg", { class: "rows", role: "img", "aria-label": figure.title });
    this.area = element("div", { class: "picture" }, this.canvas);
    container.append(element("h2", {}, figure.title), this.area);
    on("search", () => this.draw());
    redrawn(this.area, () => this.draw());
  }

  draw() {
    const width = this.area.clientWidth;
    if (!width) return;
    const { names, quantities, values } = this.figure;
    const letters = Math.min(Math.max(...names.map((name) => name.length)), Math.floor(width / 3 / LETTER));
    const left = letters * LETTER + 10;
    const parts = [];
    let y = 0;
    quantities.forEach((quantity, index) => {
      parts.push(shape("text", { class: "title", x: 0, y: y + 12 }, quantity.title));
      y += 24;
      names.forEach((name, at) => {
        const value = values[index][at];
        const share = Number(quantity.total) ? Number(value) / Number(quantity.total) : 0;
        const number = amount(value, quantity);
        const long = Math.max(share ? 1 : 0, share * (width - left - 8));
        const inside = left + long + number.length * LETTER + 8 > width;
        const shown = name.length > letters ? `…${name.slice(name.length - letters + 1)}` : name;
        parts.push(shape("g", { class: matches(name) ? "" : "dim" },
          shape("text", { class: "end", x: left - 8, y: y + 8 }, shown),
          shape("rect", { class: `bar series${index}`, x: left, y, width: long, height: 16 }),
          shape("text", { class: inside ? "end inside" : "start", x: inside ? left + long - 4 : left + long + 4, y: y + 8 }, number),
        ));
        y += 20;
      });
      y += 10;
    });
    this.canvas.setAttribute("viewBox", `0 0 ${width} ${y}`);
    this.canvas.setAttribute("height", y);
    this.canvas.replaceChildren(...parts);
  }
}
