// The modules as a treemap (areas are shares) and as an icicle (widths are). Rectangles of the treemap are laid out
// already: opening a module makes its rectangle as large as the picture.

const SMALLEST = 2; // pixels of a side: what is smaller is not drawn, its module's area stands for it
const LETTER = 7.3; // pixels of a letter in a tile
const LINE = 15;
const MOST = 0.5; // of the module that is open
const SHARES = [0.5, 0.2, 0.05, 0.01]; // from these on a tile has another colour

class Tree {
  constructor(container, figure, layers) {
    this.figure = figure;
    this.layers = layers;
    this.root = 0;
    this.view = "treemap";
    this.colour = "kind";
    this.count = figure.names.length;
    this.ends = this.endsOfSubtrees();
    this.canvas = shape("svg", { class: "tree", role: "group" });
    this.trail = element("nav", { class: "trail", "aria-label": "Where this is" });
    this.legend = element("p", { class: "legend" });
    this.hidden = element("p", { class: "hint" });
    const picture = element("div", { class: "picture" }, this.trail, this.canvas, this.legend, this.hidden);
    this.picture = picture;
    const titles = figure.quantities.map((quantity) => quantity.title);
    const controls = element("div", { class: "controls" },
      choice("Quantity", titles, 0, (index) => this.change(() => tell("quantity", index))),
      choice("Picture", ["treemap", "icicle"], 0, (index) => this.change(() => (this.view = ["treemap", "icicle"][index]))),
      choice("Colour", ["by kind", "by share"], 0, (index) => this.change(() => (this.colour = ["kind", "share"][index]))),
    );
    const both = element("div", { class: "beside" }, picture);
    container.append(element("h2", {}, "Where it is"), controls, both);
    on("quantity", (index) => (page.quantity = index));
    on("search", () => this.draw());
    details(both, layers);
    this.canvas.addEventListener("click", (event) => this.act(event, (tile) => this.open(tile)));
    this.canvas.addEventListener("pointerover", (event) => this.act(event, (tile) => this.point(tile)));
    this.canvas.addEventListener("focusin", (event) => this.act(event, (tile) => this.point(tile)));
    this.canvas.addEventListener("keydown", (event) => this.key(event));
    redrawn(picture, () => this.draw());
  }

  // Nodes stand before those below them: of each, the place behind its last one.
  endsOfSubtrees() {
    const ends = Array.from({ length: this.count }, (_, index) => index + 1);
    for (let index = this.count - 1; index > 0; index--) {
      const parent = this.figure.parents[index];
      ends[parent] = Math.max(ends[parent], ends[index]);
    }
    return ends;
  }

  get quantity() {
    return this.figure.quantities[page.quantity];
  }

  value(index) {
    return this.figure.values[page.quantity][index];
  }

  share(index) {
    return shareOf(this.value(index), this.quantity);
  }

  isLeaf(index) {
    return this.ends[index] === index + 1;
  }

  children(index) {
    const found = [];
    for (let child = index + 1; child < this.ends[index]; child = this.ends[child]) found.push(child);
    return found;
  }

  change(how) {
    how();
    this.draw();
  }

  // The tile that an event belongs to.
  act(event, what) {
    const tile = event.target.closest("[data-node]");
    if (tile) what(Number(tile.dataset.node));
  }

  point(index) {
    const { names, paths, quantities, values, rows } = this.figure;
    const layers = this.leaves(index);
    tell("point", {
      name: names[index], path: paths[index], quantities, row: rows[index],
      values: values.map((each) => each[index]),
      inside: layers > 1 ? counted(layers, "layer", "layers") : "",
    });
  }

  leaves(index) {
    let found = 0;
    for (let node = index; node < this.ends[index]; node++) found += this.isLeaf(node) ? 1 : 0;
    return found;
  }

  // The modules that are outlined: those below the open one, and, in the place of one that holds most of it, those
  // below that.
  groups() {
    const found = [];
    const waiting = [this.root];
    while (waiting.length) {
      const index = waiting.shift();
      const most = Number(this.value(index)) > MOST * Number(this.value(this.root));
      if (!this.isLeaf(index) && (index === this.root || most)) waiting.push(...this.children(index));
      else found.push(index);
    }
    return found;
  }

  // The outlined module in which a tile lies is opened; of a layer, what is known of it is shown.
  open(index) {
    const groups = new Set(this.groups());
    let target = index;
    while (target !== this.root && !groups.has(target)) target = this.figure.parents[target];
    if (this.view === "icicle") target = index === this.root ? Math.max(0, this.figure.parents[index]) : index;
    this.point(target);
    if (this.isLeaf(target)) return;
    this.show(target);
  }

  show(index) {
    const focused = this.picture.contains(document.activeElement);
    this.root = Math.max(0, index);
    this.draw();
    const first = this.canvas.querySelector("[data-node]");
    if (first && focused) first.focus();
  }

  key(event) {
    const tiles = [...this.canvas.querySelectorAll("[data-node]")];
    const at = tiles.indexOf(document.activeElement);
    const steps = { ArrowRight: 1, ArrowDown: 1, ArrowLeft: -1, ArrowUp: -1, Home: -at, End: tiles.length - 1 - at };
    if (event.key in steps) {
      const next = tiles[Math.min(tiles.length - 1, Math.max(0, at + steps[event.key]))];
      if (next) {
        if (at >= 0) tiles[at].tabIndex = -1;
        next.tabIndex = 0;
        next.focus();
      }
    } else if (event.key === "Enter" || event.key === " ") {
      this.act(event, (tile) => this.open(tile));
    } else if (event.key === "Escape" || event.key === "Backspace") {
      if (this.root) this.show(this.figure.parents[this.root]);
    } else {
      return;
    }
    event.preventDefault();
  }

  draw() {
    const width = this.picture.clientWidth;
    if (!width) return;
    const height = Math.round(Math.min(620, Math.max(300, (width * 9) / 16)));
    this.canvas.setAttribute("viewBox", `0 0 ${width} ${height}`);
    this.canvas.setAttribute("height", height);
    this.canvas.setAttribute("aria-label", `${this.quantity.title} of ${this.figure.names[this.root]}, as ${this.view === "treemap" ? "a treemap" : "an icicle"}`);
    const tiles = this.view === "treemap" ? this.treemap(width, height) : this.icicle(width, height);
    this.canvas.replaceChildren(...tiles);
    const first = this.canvas.querySelector("[data-node]");
    if (first) first.setAttribute("tabindex", "0");
    this.follow();
    this.explain();
  }

  treemap(width, height) {
    const sides = this.figure.rectangles[page.quantity];
    const [left, top, whole, high] = sides.slice(4 * this.root, 4 * this.root + 4);
    const place = (index) => {
      const at = 4 * index;
      return [
        ((sides[at] - left) / whole) * width, ((sides[at + 1] - top) / high) * height,
        (sides[at + 2] / whole) * width, (sides[at + 3] / high) * height,
      ];
    };
    const tiles = [];
    let hidden = 0;
    const groups = whole && high ? this.groups() : [];
    for (const group of groups) {
      for (let index = group; index < this.ends[group]; index++) {
        if (!this.isLeaf(index) || !Number(this.value(index))) continue;
        const [x, y, w, h] = place(index);
        if (w < SMALLEST || h < SMALLEST) hidden++;
        else tiles.push(this.tile(index, x, y, w, h, this.relative(index, index === group ? this.root : group)));
      }
    }
    for (const group of groups) {
      const [x, y, w, h] = place(group);
      if (!this.isLeaf(group) && w >= SMALLEST && h >= SMALLEST) tiles.push(this.outline(group, x, y, w, h));
    }
    this.hidden.textContent = tooSmall(hidden);
    return tiles;
  }

  icicle(width, height) {
    const depths = { [this.root]: 0 };
    const starts = { [this.root]: 0 };
    const whole = Number(this.value(this.root));
    const drawn = [];
    let deepest = 0;
    let hidden = 0;
    for (let index = this.root; whole && index < this.ends[this.root]; index++) {
      const w = (Number(this.value(index)) / whole) * width;
      if (!(index in depths)) continue;
      let at = starts[index];
      for (const child of this.children(index)) {
        [starts[child], depths[child]] = [at, depths[index] + 1];
        at += (Number(this.value(child)) / whole) * width;
      }
      if (w < SMALLEST) {
        hidden += this.isLeaf(index) && w > 0 ? 1 : 0;
        continue;
      }
      deepest = Math.max(deepest, depths[index]);
      drawn.push(index);
    }
    const high = height / (deepest + 1);
    this.hidden.textContent = tooSmall(hidden);
    return drawn.map((index) => {
      const w = (Number(this.value(index)) / whole) * width;
      const depth = depths[index];
      const h = this.isLeaf(index) ? height - depth * high : high;
      return this.tile(index, starts[index], depth * high, w, h, this.figure.names[index]);
    });
  }

  // The name of a layer below a module.
  relative(index, module) {
    const names = [];
    for (let node = index; node !== module && node > 0; node = this.figure.parents[node]) names.unshift(this.figure.names[node]);
    return names.join(".") || this.figure.names[index];
  }

  tile(index, x, y, w, h, name) {
    const found = matches(this.figure.paths[index], name);
    const value = amount(this.value(index), this.quantity);
    const group = shape("g", {
      class: `tile ${this.class(index)}${found ? "" : " dim"}`, tabindex: -1, role: "button", "data-node": index,
      "aria-label": `${this.figure.paths[index] || this.figure.names[index]}: ${value} ${this.quantity.title}, ${percent(this.share(index))}`,
    }, shape("rect", { x, y, width: w, height: h }));
    const letters = Math.floor((w - 8) / LETTER);
    if (letters >= 3 && h >= LINE + 3) {
      const lines = [name.length > letters ? `…${name.slice(name.length - letters + 1)}` : name];
      if (h >= 2 * LINE + 4 && letters >= 5) lines.push(percent(this.share(index)));
      lines.forEach((line, at) => group.append(shape("text", { x: x + w / 2, y: y + h / 2 + (at - (lines.length - 1) / 2) * LINE }, line)));
    }
    return group;
  }

  outline(index, x, y, w, h) {
    const group = shape("g", { class: "module" }, shape("rect", { x, y, width: w, height: h }));
    const name = `${this.relative(index, this.root)} ${percent(this.share(index))}`;
    const letters = Math.floor((w - 11) / LETTER);
    if (letters >= 6 && h > 3 * LINE) {
      const shown = name.length > letters ? `…${name.slice(name.length - letters + 1)}` : name;
      group.append(
        shape("rect", { class: "label", x: x + 1.5, y: y + 1.5, width: shown.length * LETTER + 8, height: LINE + 2 }),
        shape("text", { x: x + 5.5, y: y + 10.5 }, shown),
      );
    }
    return group;
  }

  class(index) {
    if (this.colour === "share") return `share${SHARES.filter((least) => this.share(index) < least).length}`;
    return this.isLeaf(index) ? `kind-${this.figure.kind[index] || "none"}` : "kind-module";
  }

  follow() {
    const way = [];
    for (let node = this.root; node >= 0; node = this.figure.parents[node]) way.unshift(node);
    this.trail.replaceChildren(...way.map((node, at) => {
      const last = at === way.length - 1;
      const button = element("button", { type: "button", "aria-current": last ? "location" : null, disabled: last || null }, element("bdi", {}, this.figure.names[node]));
      button.addEventListener("click", () => this.show(node));
      return button;
    }), element("span", {}, `${amount(this.value(this.root), this.quantity)} ${this.quantity.title}, ${percent(this.share(this.root))}`));
  }

  explain() {
    const sums = {};
    for (let index = this.root; index < this.ends[this.root]; index++) {
      const kind = this.figure.kind[index];
      if (this.isLeaf(index) && kind) sums[kind] = (sums[kind] || 0) + Number(this.value(index));
    }
    const whole = Number(this.value(this.root));
    const entries = this.colour === "share"
      ? SHARES.concat(0).map((least, at) => [`share${at}`, least ? `${percent(least)} and more` : "less"])
      : Object.entries(sums).filter(([, sum]) => sum).sort((a, b) => b[1] - a[1]).map(([kind, sum]) => [`kind-${kind}`, `${this.figure.kinds[kind] || kind} ${percent(sum / whole)}`]);
    this.legend.replaceChildren(...entries.map(([name, text]) => element("span", {}, swatch(name), text)));
  }
}

function tooSmall(hidden) {
  return hidden ? `${counted(hidden, "layer is", "layers are")} too small to be drawn here: open the module.` : "";
}

function swatch(name) {
  return shape("svg", { class: "swatch", viewBox: "0 0 10 10", "aria-hidden": "true" }, shape("g", { class: `tile ${name}` }, shape("rect", { width: 10, height: 10 })));
}
