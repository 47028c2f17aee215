// The zoomable treemap, with the same layout as treemap.py. Text from the image becomes text nodes and nothing else.
(() => {
  "use strict";
  const place = document.getElementById("map");
  if (!place) return;
  const report = JSON.parse(document.getElementById("report").textContent);
  const view = JSON.parse(document.getElementById("view").textContent);
  const nodes = report.filesystem.nodes;
  const below = nodes.map(() => []);
  nodes.forEach((node, index) => { if (node.parent !== null && node.bytes) below[node.parent].push(index); });
  // What the areas show: the content, or the compressed bytes that a pull transfers of it.
  let measure = "bytes";
  const weight = (node) => node[measure] ?? 0;
  const sort = () => {
    for (const children of below) children.sort((a, b) => weight(nodes[b]) - weight(nodes[a]) || a - b);
  };
  sort();

  const HEADER = 17, PADDING = 2, SMALLEST = 3, HEADER_WIDTH = 46, HEADER_HEIGHT = 34, OPEN = 14, CHARACTER = 6.3;
  const OTHER = 11;
  const SVG = "http://www.w3.org/2000/svg";
  const crumbs = document.getElementById("crumbs");
  const facts = document.getElementById("mapfacts");
  const tip = document.getElementById("tip");
  let root = 0;
  let current = null;
  let lit = null;
  let tiles = [];

  // Words

  const hidden = /[\p{C}\p{Zl}\p{Zp}\u034f\u115f\u1160\u17b4\u17b5\u180b-\u180f\u3164\ufe00-\ufe0f\uffa0]/gu;
  const visible = (text) => text.replace(hidden, (c) => {
    const code = c.codePointAt(0);
    return code < 0x100 ? `\\x${code.toString(16).padStart(2, "0")}`
      : code < 0x10000 ? `\\u${code.toString(16).padStart(4, "0")}` : `\\U${code.toString(16).padStart(8, "0")}`;
  });
  const units = ["B", "kB", "MB", "GB", "TB", "PB"];
  const size = (bytes) => {
    let unit = 0;
    let value = bytes;
    while (value >= 1000 && unit < units.length - 1) { value /= 1000; unit += 1; }
    return unit ? `${value.toFixed(1)} ${units[unit]}` : `${value} B`;
  };
  const count = (number, one) => `${number.toLocaleString("en")} ${one}${number === 1 ? "" : "s"}`;
  const percent = (part, whole) => (whole ? `${(100 * part / whole).toFixed(1)} %` : "–");
  const name = (node) => (node.kind === "rest" ? (node.files ? count(node.files, "other file") : "others") : visible(node.name));
  const line = (index) => {
    const up = [];
    for (let at = index; at !== null; at = nodes[at].parent) up.push(at);
    return up.reverse();
  };
  const path = (index) => {
    const names = line(index).slice(1).map((at) => name(nodes[at]));
    const text = `/${names.join("/")}`;
    return text.length > 300 ? `…${text.slice(-300)}` : text;
  };
  const color = (node) => (node.instructions.length ? view.colors[node.instructions[0].instruction] : OTHER);
  const describe = (index) => {
    const node = nodes[index];
    const shares = [size(weight(node)), percent(weight(node), weight(report.filesystem))];
    if (root && index !== root) shares.push(`${percent(weight(node), weight(nodes[root]))} of this folder`);
    if (measure !== "bytes") shares.push(`${size(node.bytes)} content`);
    else if (typeof node.compressed === "number") shares.push(`download ${size(node.compressed)}`);
    if (node.kind !== "file") shares.push(count(node.files, "file"));
    const lines = [shares.join(" · ")];
    for (const share of node.instructions.slice(0, 3)) {
      const part = node.instructions.length > 1 ? `${size(share.bytes)} ` : "";
      lines.push(`${part}by ${share.instruction}, ${view.texts[share.instruction]}`);
    }
    if (node.instructions.length > 3) lines.push(`and by ${node.instructions.length - 3} more`);
    return lines;
  };

  // Layout

  const worst = (filled, largest, smallest, side) => {
    const square = filled * filled, edge = side * side;
    if (!square || !edge || !smallest) return Infinity;
    return Math.max(edge * largest / square, square / (edge * smallest));
  };
  const squarify = (sizes, box) => {
    const out = [];
    const total = sizes.reduce((sum, each) => sum + each, 0);
    let { x, y, width, height } = box;
    if (!total || width <= 0 || height <= 0) return sizes.map(() => ({ x, y, width: 0, height: 0 }));
    const scale = width * height / total;
    const areas = sizes.map((each) => each * scale);
    let start = 0;
    while (start < areas.length) {
      const side = Math.min(width, height);
      let end = start + 1;
      let filled = areas[start];
      let ratio = worst(filled, areas[start], areas[start], side);
      while (end < areas.length) {
        const wider = worst(filled + areas[end], areas[start], areas[end], side);
        if (wider > ratio) break;
        filled += areas[end];
        ratio = wider;
        end += 1;
      }
      const last = end === areas.length;
      const upright = width >= height;
      const length = upright ? height : width;
      const strip = upright ? (last ? width : Math.min(width, filled / height)) : (last ? height : Math.min(height, filled / width));
      let offset = 0;
      for (let at = start; at < end; at += 1) {
        const part = filled ? length * areas[at] / filled : 0;
        out.push(upright ? { x, y: y + offset, width: strip, height: part } : { x: x + offset, y, width: part, height: strip });
        offset += part;
      }
      if (upright) { x += strip; width -= strip; } else { y += strip; height -= strip; }
      start = end;
      if (width <= 0 || height <= 0) {
        while (out.length < areas.length) out.push({ x, y, width: 0, height: 0 });
        break;
      }
    }
    return out;
  };
  const layout = (top, rect) => {
    const out = [];
    const pending = [{ node: top, box: rect, depth: 0 }];
    while (pending.length) {
      const { node, box, depth } = pending.pop();
      const children = below[node];
      const open = children.length > 0 && (!depth || Math.min(box.width, box.height) >= OPEN);
      let header = 0;
      let inner = box;
      if (open && depth) {
        header = box.width >= HEADER_WIDTH && box.height >= HEADER_HEIGHT ? HEADER : 0;
        inner = {
          x: box.x + PADDING,
          y: box.y + (header || PADDING),
          width: Math.max(0, box.width - 2 * PADDING),
          height: Math.max(0, box.height - (header || PADDING) - PADDING),
        };
      }
      out.push({ node, box, depth, open, header });
      if (!open) continue;
      const boxes = squarify(children.map((child) => weight(nodes[child])), inner);
      for (let at = children.length - 1; at >= 0; at -= 1) {
        if (boxes[at].width >= SMALLEST && boxes[at].height >= SMALLEST) {
          pending.push({ node: children[at], box: boxes[at], depth: depth + 1 });
        }
      }
    }
    return out;
  };

  // Drawing

  const element = (tag, attributes, parent) => {
    const made = document.createElementNS(SVG, tag);
    for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
    parent?.append(made);
    return made;
  };
  const rect = (box) => ({
    x: box.x.toFixed(1), y: box.y.toFixed(1), width: box.width.toFixed(1), height: box.height.toFixed(1),
  });
  const fit = (text, room) => {
    const characters = [...text];
    if (characters.length <= room) return text;
    return `${characters.slice(0, Math.max(0, room - 1)).join("").trimEnd()}…`;
  };
  const label = (group, x, y, text) => { element("text", { x: x.toFixed(1), y: y.toFixed(1) }, group).textContent = text; };
  const write = (group, tile) => {
    const { box } = tile;
    const node = nodes[tile.node];
    const text = name(node);
    const room = Math.floor((box.width - 8) / CHARACTER);
    if (tile.open) {
      if (!tile.header) return;
      const both = `${text}  ${size(weight(node))}`;
      label(group, box.x + 4, box.y + 12, [...both].length <= room ? both : fit(text, room));
    } else if (box.height >= 14 && room >= 4) {
      label(group, box.x + 4, box.y + 12, fit(text, room));
      const words = size(weight(node));
      if (box.height >= 28 && words.length <= room) label(group, box.x + 4, box.y + 25, words);
    }
  };
  const draw = () => {
    const width = Math.max(240, Math.round(place.clientWidth));
    const height = Math.round(Math.min(680, Math.max(360, 0.54 * width)));
    tiles = layout(root, { x: 0, y: 0, width, height });
    const drawing = element("svg", { viewBox: `0 0 ${width} ${height}`, "aria-hidden": "true" });
    const group = element("g", { class: "fresh" }, drawing);
    for (const tile of tiles) {
      const node = nodes[tile.node];
      const shade = tile.open ? "open" : `c${color(node)}`;
      const part = element("g", { "data-node": tile.node, class: node.kind === "directory" ? "folder" : "leaf" }, group);
      element("rect", { ...rect(tile.box), class: `${shade}${node.kind === "rest" ? " rest" : ""}` }, part);
      write(part, tile);
    }
    element("rect", { class: "mark", visibility: "hidden" }, drawing);
    place.replaceChildren(drawing);
    if (!tiles.some((tile) => tile.node === current)) current = null;
    if (lit !== null) light();
    mark();
    trail();
  };
  const light = () => {
    for (const group of place.querySelectorAll("g[data-node]")) {
      const tile = group.firstChild;
      const other = lit !== null && !tile.classList.contains("open") && color(nodes[Number(group.dataset.node)]) !== lit;
      tile.classList.toggle("dim", other);
    }
  };
  const mark = () => {
    const frame = place.querySelector(".mark");
    const tile = tiles.find((each) => each.node === current);
    frame.setAttribute("visibility", tile ? "visible" : "hidden");
    if (tile) for (const [key, value] of Object.entries(rect(tile.box))) frame.setAttribute(key, value);
    const shown = tile ? current : root;
    facts.textContent = `${tile ? `${path(shown)}: ` : ""}${describe(shown).slice(0, tile ? 2 : 1).join(", ")}`;
    place.setAttribute("aria-label", `Treemap of ${path(root)}. ${tile ? facts.textContent : describe(root)[0]}`);
  };
  const trail = () => {
    crumbs.hidden = false;
    crumbs.replaceChildren();
    const up = line(root);
    const shown = up.length > 9 ? [up[0], ...up.slice(-7)] : up;
    shown.forEach((index, at) => {
      if (at) crumbs.append(Object.assign(document.createElement("i"), { textContent: at === 1 && shown !== up ? "… /" : "/" }));
      const last = index === root;
      const part = document.createElement(last ? "b" : "button");
      if (!last) {
        part.type = "button";
        part.addEventListener("click", () => open(index));
      }
      part.textContent = index ? visible(nodes[index].name) : "all files";
      crumbs.append(part);
    });
  };

  // Actions

  const open = (index, selected = null) => {
    let target = index;
    while (target && !(nodes[target].kind === "directory" && below[target].length)) target = nodes[target].parent;
    const same = target === root;
    root = target;
    current = selected ?? (same ? index : null);
    if (same) mark(); else draw();
    tip.hidden = true;
  };
  const up = () => { if (root) { const from = root; open(nodes[root].parent, from); } };
  const ways = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };
  const middle = (box) => [box.x + box.width / 2, box.y + box.height / 2];
  const move = ([dx, dy]) => {
    const from = tiles.find((tile) => tile.node === current);
    const first = tiles.filter((tile) => nodes[tile.node].parent === (from ? nodes[from.node].parent : root));
    if (!from) { current = first[0]?.node ?? null; mark(); return; }
    const [x, y] = middle(from.box);
    let best = null;
    let least = Infinity;
    for (const tile of first) {
      const [tx, ty] = middle(tile.box);
      const along = (tx - x) * dx + (ty - y) * dy;
      if (tile === from || along <= 0.5) continue;
      const across = Math.abs((tx - x) * dy) + Math.abs((ty - y) * dx);
      if (along + 2 * across < least) { least = along + 2 * across; best = tile; }
    }
    if (best) { current = best.node; mark(); }
  };

  const node = (event) => {
    const group = event.target.closest?.("g[data-node]");
    return group ? Number(group.dataset.node) : null;
  };
  place.tabIndex = 0;
  place.setAttribute("role", "application");
  place.setAttribute("aria-roledescription", "treemap");
  document.getElementById("maphint").hidden = false;
  place.addEventListener("click", (event) => { const index = node(event); if (index !== null) open(index); });
  place.addEventListener("keydown", (event) => {
    if (event.altKey || event.ctrlKey || event.metaKey) return;
    if (ways[event.key]) move(ways[event.key]);
    else if (event.key === "Enter" && current !== null) {
      open(current);
      if (current === null) move(ways.ArrowRight);
    } else if (event.key === "Escape" || event.key === "Backspace") up();
    else if (event.key === "Home") open(0);
    else return;
    event.preventDefault();
  });
  place.addEventListener("pointermove", (event) => {
    const index = node(event);
    if (index === null || event.pointerType === "touch") { tip.hidden = true; return; }
    if (Number(tip.dataset.node) !== index || tip.hidden) {
      tip.replaceChildren(Object.assign(document.createElement("b"), { textContent: path(index) }));
      for (const text of describe(index)) tip.append(Object.assign(document.createElement("span"), { textContent: text }));
      tip.dataset.node = index;
      tip.hidden = false;
    }
    const left = Math.min(event.clientX + 14, window.innerWidth - tip.offsetWidth - 8);
    const above = event.clientY + 18 + tip.offsetHeight > window.innerHeight;
    tip.style.transform = `translate(${Math.max(4, left)}px, ${above ? event.clientY - tip.offsetHeight - 10 : event.clientY + 18}px)`;
  });
  place.addEventListener("pointerleave", () => { tip.hidden = true; });
  for (const button of document.querySelectorAll(".legend button")) {
    button.addEventListener("click", () => {
      const chosen = Number(button.dataset.color);
      lit = lit === chosen ? null : chosen;
      for (const each of document.querySelectorAll(".legend button")) {
        each.setAttribute("aria-pressed", String(lit !== null && Number(each.dataset.color) === lit));
      }
      light();
    });
  }
  const choices = document.getElementById("measure");
  if (choices && typeof report.filesystem.compressed === "number") {
    choices.hidden = false;
    for (const button of choices.querySelectorAll("button")) {
      button.addEventListener("click", () => {
        measure = button.dataset.measure;
        for (const each of choices.querySelectorAll("button")) {
          each.setAttribute("aria-pressed", String(each.dataset.measure === measure));
        }
        sort();
        tip.hidden = true;
        draw();
      });
    }
  }
  let drawn = 0;
  new ResizeObserver(() => {
    if (place.clientWidth && place.clientWidth !== drawn) { drawn = place.clientWidth; draw(); }
  }).observe(place);
})();
