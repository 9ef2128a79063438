// Charts with axes: points, lines and areas. What is pointed at is told below the picture.

const MARGIN = { left: 76, right: 16, top: 14, bottom: 30 };

// A frame with two axes, logarithmic or not, that map numbers to pixels.
class Frame {
  constructor(width, height, x, y) {
    Object.assign(this, { width, height, x, y });
    this.inner = [MARGIN.left, width - MARGIN.right, height - MARGIN.bottom, MARGIN.top];
  }

  at(axis, value) {
    const [from, to] = axis === this.x ? this.inner.slice(0, 2) : this.inner.slice(2);
    const scaled = (number) => (axis.log ? Math.log(number) : number);
    const span = scaled(axis.most) - scaled(axis.least) || 1;
    return from + ((scaled(value) - scaled(axis.least)) / span) * (to - from);
  }

  axes() {
    const [left, right, bottom, top] = this.inner;
    const parts = [shape("line", { class: "axis", x1: left, x2: right, y1: bottom, y2: bottom }), shape("line", { class: "axis", x1: left, x2: left, y1: bottom, y2: top })];
    for (const value of ticks(this.x)) parts.push(shape("text", { class: "tick below", x: this.at(this.x, value), y: bottom + 16 }, this.x.told(value)));
    for (const value of ticks(this.y)) {
      const y = this.at(this.y, value);
      parts.push(shape("line", { class: "grid", x1: left, x2: right, y1: y, y2: y }), shape("text", { class: "tick beside", x: left - 6, y }, this.y.told(value)));
    }
    return parts;
  }
}

// Round numbers between the ends of an axis: powers of ten (or 1, 2, 5 of each), or even steps.
function ticks(axis) {
  if (axis.ticks) return axis.ticks;
  const found = [];
  if (axis.log) {
    const wide = axis.most / axis.least > 300;
    for (let power = Math.floor(Math.log10(axis.least)); power <= Math.ceil(Math.log10(axis.most)); power++) {
      for (const digit of wide ? [1] : [1, 2, 5]) found.push(digit * 10 ** power);
    }
  } else {
    const rough = (axis.most - axis.least) / 5 || 1;
    const power = 10 ** Math.floor(Math.log10(rough));
    const step = [1, 2, 5, 10].find((digit) => digit * power >= rough) * power;
    for (let value = Math.ceil(axis.least / step) * step; value <= axis.most; value += step) found.push(value);
  }
  return found.filter((value) => value >= axis.least * 0.999 && value <= axis.most * 1.001);
}

// What the three charts share: a canvas that follows the width, and a line of text below it.
class Chart {
  constructor(container, figure, hint) {
    this.figure = figure;
    this.canvas = shape("svg", { class: "chart", role: "img", "aria-label": figure.title });
    this.told = element("p", { class: "hint", "aria-live": "polite" }, hint);
    this.legend = element("p", { class: "legend" });
    this.area = element("div", { class: "picture" }, this.canvas, this.legend, this.told);
    container.append(element("h2", {}, figure.title), this.area);
    redrawn(this.area, () => this.draw());
  }

  sized() {
    const width = this.area.clientWidth;
    const height = Math.round(Math.min(420, Math.max(240, width * 0.45)));
    this.canvas.setAttribute("viewBox", `0 0 ${width} ${height}`);
    this.canvas.setAttribute("height", height);
    return [width, height];
  }

  explain(names) {
    this.legend.replaceChildren(...names.map((name, index) => element("span", {}, swatch(`series${index}`), name)));
  }

  pointed(node, text) {
    node.addEventListener("pointerenter", () => (this.told.textContent = text));
    node.append(shape("title", {}, text));
    return node;
  }
}

class Scatter extends Chart {
  constructor(container, figure) {
    super(container, figure, "Point at a circle.");
  }

  draw() {
    const [width, height] = this.sized();
    const { names, axes, points } = this.figure;
    const numbers = points.map((point) => point.map(Number));
    const [x, y] = [0, 1].map((axis) => {
      const values = numbers.map((point) => point[axis]);
      return { least: Math.min(...values) / 1.6, most: Math.max(...values) * 1.6, log: true, told: rough };
    });
    const frame = new Frame(width, height, x, y);
    const largest = Math.max(...numbers.map((point) => point[2])) || 1;
    const circles = numbers.flatMap((point, index) => {
      const [cx, cy, r] = [frame.at(x, point[0]), frame.at(y, point[1]), Math.max(3, 26 * Math.sqrt(point[2] / largest))];
      const text = `${names[index]}: ${axes.map((axis, at) => `${grouped(points[index][at])} ${axis.title}`).join(", ")}`;
      const left = cx + r + 4 + names[index].length * LETTER > width;
      return [
        this.pointed(shape("circle", { class: "point", cx, cy, r }), text),
        shape("text", { class: left ? "end" : "start", x: left ? cx - r - 4 : cx + r + 4, y: cy }, names[index]),
      ];
    });
    const [left, right, bottom, top] = frame.inner;
    this.canvas.replaceChildren(...frame.axes(), ...circles, shape("text", { class: "end", x: right, y: bottom - 8 }, axes[0].title), shape("text", { class: "start", x: left + 6, y: top + 4 }, axes[1].title));
  }
}

class Lines extends Chart {
  constructor(container, figure) {
    super(container, figure, "Point at a point.");
    this.explain(figure.names);
  }

  draw() {
    const [width, height] = this.sized();
    const { names, places, values, failed, x: title } = this.figure;
    const every = [...places, ...failed.map(([place]) => place)];
    const x = { least: Math.min(...every), most: Math.max(...every), log: true, told: grouped };
    const y = { least: Math.min(...values.flat(), 1), most: Math.max(...values.flat(), 2), log: true, told: (value) => `${rough(value)}x` };
    const frame = new Frame(width, height, x, y);
    if (places.length <= 12) x.ticks = places;
    const lines = values.flatMap((series, index) => {
      const points = series.map((value, at) => [frame.at(x, places[at]), frame.at(y, value)]);
      return [
        shape("polyline", { class: `line series${index}`, points: points.map((point) => point.join(",")).join(" ") }),
        ...points.map(([cx, cy], at) => this.pointed(shape("circle", { class: `dot series${index}`, cx, cy, r: 4 }), `${title} ${places[at]}: ${names[index]}, ${Number(series[at].toPrecision(4))} times as many`)),
      ];
    });
    const [, , bottom] = frame.inner;
    const crosses = failed.map(([place, why]) => {
      const at = frame.at(x, place);
      return this.pointed(shape("path", { class: "failed", d: `M${at - 4} ${bottom - 4}l8 8m0 -8l-8 8` }), `${title} ${place}: ${why}`);
    });
    this.canvas.replaceChildren(...frame.axes(), ...lines, ...crosses);
  }
}

class Areas extends Chart {
  constructor(container, figure) {
    super(container, figure, figure.told);
    this.explain(figure.names);
    if (figure.executed.length) this.legend.append(element("span", {}, "— measured, operation by operation"));
    this.canvas.addEventListener("pointermove", (event) => this.move(event));
    this.canvas.addEventListener("pointerleave", () => (this.told.textContent = figure.told));
  }

  draw() {
    const [width, height] = this.sized();
    const { names, values, events, phases, peak, measured, executed } = this.figure;
    const tops = events.map(() => 0);
    const most = Math.max(...events.map((_, at) => values.reduce((sum, series) => sum + series[at], 0)), ...measured.map((line) => line[1]), 1);
    const x = { least: 0, most: Math.max(1, events.length - 1), told: grouped, ticks: [] };
    const y = { least: 0, most: most * 1.04, told: bytes, ticks: [0.25, 0.5, 0.75, 1].map((part) => part * most) };
    const frame = new Frame(width, height, x, y);
    this.frame = frame;
    const areas = values.map((series, index) => {
      const below = tops.map((top, at) => `${frame.at(x, at).toFixed(1)} ${frame.at(y, top).toFixed(1)}`);
      series.forEach((size, at) => (tops[at] += size));
      const above = tops.map((top, at) => `${frame.at(x, at).toFixed(1)} ${frame.at(y, top).toFixed(1)}`);
      return shape("path", { class: `area series${index}`, d: `M${above.join("L")}L${below.reverse().join("L")}z` }, shape("title", {}, names[index]));
    });
    const [left, right, bottom, top] = frame.inner;
    const marks = phases.flatMap(([phase, at]) => {
      const place = frame.at(x, at);
      return [shape("line", { class: "grid", x1: place, x2: place, y1: bottom, y2: top }), shape("text", { class: "start", x: place + 3, y: bottom + 16 }, phase)];
    });
    const lines = measured.flatMap(([name, size]) => {
      const place = frame.at(y, size);
      return [shape("line", { class: "measured", x1: left, x2: right, y1: place, y2: place }), shape("text", { class: "end", x: right, y: place - 8 }, `${name}: ${bytes(size)}`)];
    });
    const path = executed.map(([at, size]) => `${frame.at(x, at).toFixed(1)},${frame.at(y, size).toFixed(1)}`).join(" ");
    if (executed.length) lines.push(shape("polyline", { class: "executed", points: path }));
    const highest = shape("circle", { class: "peak", cx: frame.at(x, peak), cy: frame.at(y, tops[peak] || 0), r: 5 });
    this.cursor = shape("line", { class: "cursor", y1: bottom, y2: top, display: "none" });
    this.canvas.replaceChildren(...frame.axes(), ...areas, ...marks, ...lines, highest, this.cursor);
  }

  move(event) {
    const { events, values, names } = this.figure;
    const box = this.canvas.getBoundingClientRect();
    const [left, right] = this.frame.inner;
    const inside = ((event.clientX - box.left) / box.width) * this.frame.width;
    const at = Math.round(((inside - left) / (right - left)) * Math.max(1, events.length - 1));
    if (at < 0 || at >= events.length) return;
    const place = this.frame.at(this.frame.x, at);
    this.cursor.removeAttribute("display");
    this.cursor.setAttribute("x1", place);
    this.cursor.setAttribute("x2", place);
    const parts = names.map((name, index) => [name, values[index][at]]).filter(([, size]) => size).sort((a, b) => b[1] - a[1]);
    const whole = parts.reduce((sum, [, size]) => sum + size, 0);
    this.told.textContent = `${events[at]}: ${bytes(whole)} = ${parts.map(([name, size]) => `${bytes(size)} ${name}`).join(" + ")}`;
  }
}
