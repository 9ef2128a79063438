// Receptive fields on the input: what each layer sees of it, one inside of the other.

class Fields extends Chart {
  constructor(container, figure) {
    super(container, figure, "Point at a region, or at a layer.");
    this.draw();
  }

  draw() {
    const { extent: [rows, columns], names, regions } = this.figure;
    const width = this.area.clientWidth;
    if (!width) return;
    const [top, left] = [0, 1].map((axis) => Math.min(0, ...regions.map((region) => region[axis])));
    const [bottom, right] = [0, 1].map((axis) => Math.max([rows, columns][axis], ...regions.map((region) => region[axis] + region[axis + 2])));
    const scale = Math.min((width - 4) / (right - left), 480 / (bottom - top));
    const height = Math.max(24, (bottom - top) * scale) + 4;
    this.canvas.setAttribute("viewBox", `-2 -2 ${width} ${height}`);
    this.canvas.setAttribute("height", height);
    const place = (y, x, high, wide) => ({ x: (x - left) * scale, y: (y - top) * scale, width: wide * scale, height: Math.max(2, high * scale) });
    const shapes = regions.map(([y, x, high, wide], index) => this.pointed(shape("rect", { class: `field series${index % 9}`, ...place(y, x, high, wide) }), names[index]));
    this.canvas.replaceChildren(shape("rect", { class: "input", ...place(0, 0, rows, columns) }), ...shapes.reverse());
    this.explain(names);
  }

  explain(names) {
    this.legend.replaceChildren(...names.map((name, index) => this.pointed(element("span", {}, swatch(`series${index % 9}`), name), name)));
  }
}
