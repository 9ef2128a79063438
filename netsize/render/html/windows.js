// The windows of a layer on the map that they slide over: a window is pointed at by its place in what comes out.

const CELL = 22; // pixels, at most

class Windows {
  constructor(container, figure) {
    this.figure = figure;
    this.at = [0, 0];
    this.canvas = shape("svg", { class: "windows", tabindex: 0, role: "img", "aria-label": figure.title });
    this.told = element("p", { class: "hint", "aria-live": "polite" });
    this.area = element("div", { class: "picture" }, this.canvas, this.told);
    const hint = "Left what the windows slide over, and how many of them cover each element; right a place for each window. Point at one, or move with the arrow keys.";
    container.append(element("h2", {}, figure.title), element("p", { class: "hint" }, hint), this.area);
    this.canvas.addEventListener("keydown", (event) => {
      const step = { ArrowRight: [0, 1], ArrowLeft: [0, -1], ArrowDown: [1, 0], ArrowUp: [-1, 0] }[event.key];
      if (!step) return;
      event.preventDefault();
      this.choose(this.at.map((place, axis) => Math.min(figure.places[axis] - 1, Math.max(0, place + step[axis]))));
    });
    redrawn(this.area, () => this.draw());
  }

  // Only when it is another one: it is drawn again under the pointer.
  choose(place) {
    if (place.join() === this.at.join()) return;
    this.at = place;
    this.draw();
  }

  // What the window covers along an axis.
  taps(axis) {
    const { before, stride, dilation, kernel } = this.figure;
    return Array.from({ length: kernel[axis] }, (_, tap) => this.at[axis] * stride[axis] - before[axis] + tap * dilation[axis]);
  }

  draw() {
    const width = this.area.clientWidth;
    if (!width) return;
    const { before, ends, size, places, covered, input, output } = this.figure;
    const [rows, columns] = [0, 1].map((axis) => ends[axis] + before[axis]);
    const side = Math.min(CELL, width / (columns + places[1] + 2));
    const [down, across] = [0, 1].map((axis) => this.taps(axis));
    const cells = [];
    for (let y = -before[0]; y < ends[0]; y++) {
      for (let x = -before[1]; x < ends[1]; x++) {
        const inside = y >= 0 && x >= 0 && y < size[0] && x < size[1];
        const number = !inside ? (input.length ? 0 : "") : input.length ? input[y][x] : covered[y][x];
        const kind = down.includes(y) && across.includes(x) ? "chosen" : !inside ? "padding" : covered[y][x] ? "seen" : "unseen";
        cells.push(this.cell((x + before[1]) * side, (y + before[0]) * side, side, kind, number));
      }
    }
    const left = (columns + 2) * side;
    for (let y = 0; y < places[0]; y++) {
      for (let x = 0; x < places[1]; x++) {
        const chosen = y === this.at[0] && x === this.at[1];
        const cell = this.cell(left + x * side, y * side, side, chosen ? "chosen" : "place", output.length ? output[y][x] : "");
        cell.addEventListener("pointerenter", () => this.choose([y, x]));
        cells.push(cell);
      }
    }
    const height = Math.max(rows, places[0]) * side;
    this.canvas.setAttribute("viewBox", `0 0 ${width} ${height}`);
    this.canvas.setAttribute("height", height);
    this.canvas.replaceChildren(...cells);
    this.told.textContent = this.steps(down, across);
  }

  cell(x, y, side, kind, number) {
    const group = shape("g", { class: `cell ${kind}` }, shape("rect", { x, y, width: side, height: side }));
    const text = String(number);
    if (text && text.length * 6 < side + 2) group.append(shape("text", { x: x + side / 2, y: y + side / 2 }, text));
    return group;
  }

  steps(down, across) {
    const { size, input, weights, output } = this.figure;
    const place = `the window of place ${this.at.join(", ")}: rows ${down[0]} to ${down[down.length - 1]}, columns ${across[0]} to ${across[across.length - 1]}`;
    if (!input.length) return place;
    const terms = down.flatMap((y, i) => across.map((x, j) => {
      const inside = y >= 0 && x >= 0 && y < size[0] && x < size[1];
      return `${inside ? input[y][x] : 0}*${weights[i][j]}`;
    }));
    return `${place}: ${terms.join(" + ")} = ${output[this.at[0]][this.at[1]]}`;
  }
}
