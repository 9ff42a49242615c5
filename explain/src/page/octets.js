// Octets beside the fields that they are.

const narrow = matchMedia("(max-width: 640px)");
const AT_ONCE = 2048;

const printable = (octet) => (octet > 0x20 && octet < 0x7f ? String.fromCharCode(octet) : octet === 0x20 ? "\u00a0" : "·");

// Rows of 16 octets, on a phone of 8. `onPoint` is called with the position of an octet that is pointed at.
const octetGrid = (hex, name, onPoint) => {
  const octets = bytes(hex);
  const node = el("div", { class: "octets" });
  let cells = [];
  let letters = [];
  let active = 0;
  let marks = [0, 0];
  let limit = AT_ONCE;
  const paint = () => {
    const [start, end] = marks;
    cells.forEach((cell, at) => {
      cell.classList.toggle("mark", at >= start && at < end);
      letters[at].classList.toggle("mark", at >= start && at < end);
    });
  };
  const activate = (at, isFocus) => {
    cells[active].tabIndex = -1;
    active = Math.max(0, Math.min(cells.length - 1, at));
    cells[active].tabIndex = 0;
    if (isFocus) cells[active].focus();
  };
  const draw = () => {
    const width = narrow.matches ? 8 : 16;
    const shown = Math.min(limit, octets.length);
    cells = [];
    letters = [];
    const grid = el("div", { class: "grid", role: "grid", "aria-label": `Octets of ${name}` });
    for (let row = 0; row < shown; row += width) {
      const line = el("div", { class: "octet-row", role: "row" },
        el("span", { class: "offset", role: "rowheader" }, row.toString(16).padStart(4, "0")));
      const text = el("span", { class: "ascii", role: "gridcell" });
      for (let at = row; at < Math.min(row + width, shown); at += 1) {
        const cell = el("span", { class: "octet", role: "gridcell", tabindex: "-1" }, octets[at].toString(16).padStart(2, "0"));
        const letter = el("span", {}, printable(octets[at]));
        cell.dataset.at = letter.dataset.at = at;
        cells.push(cell);
        letters.push(letter);
        line.append(cell);
        text.append(letter);
      }
      for (let gap = shown - row; gap < width; gap += 1) line.append(el("span", { class: "octet gap", role: "gridcell" }, "\u00a0\u00a0"));
      line.append(text);
      grid.append(line);
    }
    const rest = octets.length - shown;
    node.replaceChildren(grid, rest > 0 ? button(`Show ${plural(rest, "more octet")}`, () => { limit = Infinity; draw(); }) : "");
    if (cells.length) activate(Math.min(active, cells.length - 1), false);
    paint();
    const steps = { ArrowLeft: -1, ArrowRight: 1, ArrowUp: -width, ArrowDown: width };
    grid.addEventListener("keydown", (event) => {
      const to = { Home: 0, End: cells.length - 1 }[event.key] ?? (event.key in steps ? active + steps[event.key] : null);
      if (to === null) return;
      event.preventDefault();
      event.stopPropagation();
      activate(to, true);
    });
    const point = (event) => {
      const at = event.target.dataset && event.target.dataset.at;
      if (at !== undefined) onPoint(Number(at));
    };
    grid.addEventListener("mouseover", point);
    grid.addEventListener("focusin", (event) => { point(event); if (event.target.dataset.at) activate(Number(event.target.dataset.at), false); });
  };
  draw();
  node.redraw = draw;
  node.mark = (start, end) => {
    marks = [start, end];
    paint();
    const first = cells[start];
    if (first && node.contains(document.activeElement) === false) {
      const grid = first.closest(".grid");
      const line = first.parentElement;
      if (line.offsetTop < grid.scrollTop || line.offsetTop + line.offsetHeight > grid.scrollTop + grid.clientHeight) grid.scrollTop = line.offsetTop - 40;
    }
  };
  return node;
};
narrow.addEventListener("change", () => { for (const node of document.querySelectorAll(".octets")) node.redraw(); });

// The fields as a tree that is walked with the arrow keys.
const fieldTree = (fields, name, onPoint) => {
  const items = [];
  const close = (item, isOpen) => {
    if (!item.children) return;
    if (isOpen && !item.group.hasChildNodes()) item.group.append(...build(item.children, item.depth + 1, item));
    item.node.setAttribute("aria-expanded", String(isOpen));
    item.group.hidden = !isOpen;
  };
  const build = (list, depth, parent) => list.map((field) => {
    const children = field.fields && field.fields.length ? field.fields : null;
    const value = field.value ? [" ", el("span", { class: "value" }, field.value)] : [];
    const size = el("span", { class: "size" }, ` ${plural(field.end - field.start, "octet")}`);
    const line = el("span", { class: "field" }, el("span", { class: "field-name" }, field.name), value, size);
    const node = el("li", { role: "treeitem", tabindex: "-1", "aria-expanded": children ? "false" : null,
      "aria-label": `${field.name}${field.value ? `, ${field.value}` : ""}, ${plural(field.end - field.start, "octet")}` }, line);
    const item = { node, line, field, children, depth, parent, group: null };
    if (children) {
      item.group = el("ul", { role: "group", hidden: true });
      node.append(item.group);
    }
    node.item = item;
    items.push(item);
    line.addEventListener("mouseenter", () => point(item));
    line.addEventListener("click", () => { close(item, item.group ? item.group.hidden : false); focus(item); });
    if (children && depth < (list.length > 12 ? 0 : 2) && children.length <= 16) close(item, true);
    return node;
  });
  const tree = el("ul", { class: "fields", role: "tree", "aria-label": `Fields of ${name}` });
  const point = (item) => {
    for (const one of tree.querySelectorAll(".field.mark")) one.classList.remove("mark");
    if (!item) return;
    item.line.classList.add("mark");
    onPoint(item.field);
  };
  let current = null;
  const focus = (item) => {
    if (current) current.node.tabIndex = -1;
    current = item;
    item.node.tabIndex = 0;
    item.node.focus();
    point(item);
  };
  tree.append(...build(fields, 0, null));
  const visible = () => Array.from(tree.querySelectorAll("[role=treeitem]")).filter((node) => !node.parentElement.closest("[hidden]")).map((node) => node.item);
  if (tree.firstChild) { current = tree.firstChild.item; current.node.tabIndex = 0; }
  tree.addEventListener("focusin", (event) => { if (event.target.item && event.target.item !== current) focus(event.target.item); else if (current) point(current); });
  tree.addEventListener("keydown", (event) => {
    const list = visible();
    const at = list.indexOf(current);
    const { group, parent } = current;
    const isOpen = group && !group.hidden;
    let to = null;
    if (event.key === "ArrowDown") to = list[at + 1];
    else if (event.key === "ArrowUp") to = list[at - 1];
    else if (event.key === "Home") [to] = list;
    else if (event.key === "End") to = list[list.length - 1];
    else if (event.key === "ArrowRight" && group && !isOpen) close(current, true);
    else if (event.key === "ArrowRight" && isOpen) to = group.firstChild.item;
    else if (event.key === "ArrowLeft" && isOpen) close(current, false);
    else if (event.key === "ArrowLeft") to = parent;
    else if ((event.key === "Enter" || event.key === " ") && group) close(current, !isOpen);
    else return;
    event.preventDefault();
    event.stopPropagation();
    if (to) focus(to);
  });
  // The innermost field, of those that are visible, which has this octet.
  tree.pointAt = (at) => {
    const fits = visible().filter(({ field }) => at >= field.start && at < field.end);
    const item = fits[fits.length - 1] || null;
    point(item);
    return item;
  };
  return tree;
};

// Both, side by side: what is pointed at in one is marked in the other.
const octetsAndFields = (hex, fields, name) => {
  const status = el("p", { class: "pointed", role: "status" }, "Point at a field or an octet.");
  const tell = (field, at) => {
    status.textContent = `${at === undefined ? "" : `octet ${at}: `}${field.name} (octets ${field.start} to ${field.end - 1})${field.value ? `: ${field.value}` : ""}`;
  };
  const tree = fields && fields.length ? fieldTree(fields, name, (field) => { grid.mark(field.start, field.end); tell(field); }) : null;
  const grid = octetGrid(hex, name, (at) => {
    const item = tree && tree.pointAt(at);
    if (item) tell(item.field, at);
  });
  return el("div", { class: tree ? "both" : "" }, tree ? el("div", { class: "pane" }, status, tree) : null, el("div", { class: "pane" }, grid));
};
