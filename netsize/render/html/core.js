// What all parts of the page use: elements, numbers in words, and what is shared between pictures and tables.

const SVG = "http://www.w3.org/2000/svg";
const data = JSON.parse(document.getElementById("data").textContent);
const page = { listeners: {}, quantity: 0, query: "" };

// Elements, with attributes and children; text is always text.
function element(tag, attributes = {}, ...children) {
  return filled(document.createElement(tag), attributes, children);
}

function shape(tag, attributes = {}, ...children) {
  return filled(document.createElementNS(SVG, tag), attributes, children);
}

function filled(node, attributes, children) {
  for (const [name, value] of Object.entries(attributes)) {
    if (value !== undefined && value !== null && value !== false) node.setAttribute(name, value);
  }
  node.append(...children);
  return node;
}

// Events between the parts of the page.
function on(event, listener) {
  (page.listeners[event] ||= []).push(listener);
}

function tell(event, value) {
  for (const listener of page.listeners[event] || []) listener(value);
}

// Whole numbers beyond 2^53 come as text.
function grouped(number) {
  return (typeof number === "string" ? BigInt(number) : number).toLocaleString("en-US");
}

function bytes(number) {
  const units = ["bytes", "KiB", "MiB", "GiB", "TiB", "PiB"];
  let power = 0;
  let left = Number(number);
  while (left >= 1024 && power < units.length - 1) [left, power] = [left / 1024, power + 1];
  return power ? `${left.toFixed(1)} ${units[power]}` : `${left} bytes`;
}

function amount(number, quantity) {
  return quantity.unit === "bytes" ? bytes(number) : grouped(number);
}

// 31.4%, and never 0.0% or 100.0% for what is a little more or less: as the terminal has it.
function percent(share) {
  const text = `${(share * 100).toFixed(1)}%`;
  if (text === "100.0%" && share < 1) return "99.9%";
  return text === "0.0%" && share > 0 ? "<0.1%" : text;
}

function shareOf(value, quantity) {
  return Number(quantity.total) ? Number(value) / Number(quantity.total) : 0;
}

// 1.2M on an axis.
function rough(number) {
  const units = ["", "K", "M", "G", "T", "P", "E"];
  let power = 0;
  while (number >= 1000 && power < units.length - 1) [number, power] = [number / 1000, power + 1];
  return `${number >= 100 || Number.isInteger(number) ? Math.round(number) : number.toPrecision(2)}${units[power]}`;
}

// Buttons of which one is pressed, that arrow keys move between: a group of radio buttons in the eyes of a reader.
function choice(title, names, chosen, choose) {
  const group = element("div", { role: "radiogroup", "aria-label": title, class: "choice" });
  const buttons = names.map((name, index) => {
    const button = element("button", { type: "button", role: "radio" }, name);
    button.addEventListener("click", () => press(index, true));
    return button;
  });
  const press = (index, told) => {
    buttons.forEach((button, other) => {
      button.setAttribute("aria-checked", String(other === index));
      button.tabIndex = other === index ? 0 : -1;
    });
    if (told) choose(index);
  };
  group.addEventListener("keydown", (event) => {
    const step = { ArrowRight: 1, ArrowDown: 1, ArrowLeft: -1, ArrowUp: -1 }[event.key];
    if (!step) return;
    event.preventDefault();
    const next = (buttons.indexOf(document.activeElement) + step + buttons.length) % buttons.length;
    press(next, true);
    buttons[next].focus();
  });
  group.append(...buttons);
  press(chosen, false);
  return group;
}

// Redraw when the width changes, and not more often than a screen is drawn.
function redrawn(container, draw) {
  let waiting = false;
  let width = 0;
  new ResizeObserver(() => {
    if (waiting || container.clientWidth === width) return;
    waiting = true;
    requestAnimationFrame(() => {
      waiting = false;
      width = container.clientWidth;
      draw();
    });
  }).observe(container);
}

function counted(number, one, several) {
  return `${grouped(number)} ${number === 1 ? one : several}`;
}

function matches(...texts) {
  return !page.query || texts.some((text) => text.toLowerCase().includes(page.query));
}
