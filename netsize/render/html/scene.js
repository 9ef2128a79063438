// The network as it was placed: boxes that say what they are when they are pointed at, as wide as the page.

class Scene {
  constructor(container, figure) {
    const canvas = shape("svg", { class: "scene", viewBox: `0 0 ${figure.width} ${figure.height}`, role: "img", "aria-label": figure.title });
    this.told = element("p", { class: "hint", "aria-live": "polite" }, "Point at a box.");
    const faces = {};
    for (const [kind, numbers, text, style, arrow, radius, box] of figure.shapes) {
      const points = Array.from({ length: numbers.length / 2 }, (_, index) => numbers.slice(2 * index, 2 * index + 2));
      const [[x, y], end] = [points[0], points[points.length - 1]];
      const drawn = {
        text: () => shape("text", { x, y, class: style }, text),
        polygon: () => shape("polygon", { points, class: `kind-${style} face${(faces[box] = (faces[box] ?? -1) + 1)}` }),
        circle: () => shape("circle", { cx: x, cy: y, r: radius, class: "join" }),
        frame: () => shape("rect", { x, y, width: end[0] - x, height: end[1] - y, rx: 6, class: "frame" }),
        line: () => shape("polyline", { points, class: "arrow" }),
        curve: () => shape("path", { d: `M${points[0]}L${points[1]}C${points.slice(2).join(" ")}`, class: "arrow" }),
      }[kind]();
      if (box !== null) {
        drawn.append(shape("title", {}, text));
        drawn.addEventListener("pointerenter", () => { this.told.textContent = text; });
      }
      canvas.append(drawn);
      if (arrow) canvas.append(this.head(points[points.length - 2], end));
    }
    container.append(element("h2", {}, figure.title), element("div", { class: "wide" }, canvas), this.told);
  }

  head([x, y], end) {
    const turn = Math.atan2(end[1] - y, end[0] - x);
    const corners = [0.45, -0.45].map((side) => [end[0] - 6 * Math.cos(turn + side), end[1] - 6 * Math.sin(turn + side)]);
    return shape("polygon", { points: [end, ...corners].join(" "), class: "head" });
  }
}
