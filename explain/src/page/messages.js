// The messages in order, as arrows between the lanes, and what each party does in between.

const MANY = 6;
// With more connections than these, each but one is folded away.
const FEW = 5;

const summaryOf = (step) => {
  const { fields, name, kind } = step;
  const list = (what) => fieldsOf(fields, what).map((field) => plainName(field.value)).filter(Boolean);
  if (kind === "data" || kind === "folded") return plural(step.length || 0, "octet");
  if (kind === "unreadable") return `${plural(step.length || 0, "octet")}: the key is not known`;
  if (kind === "change_cipher_spec") return "a dummy, for devices on the way";
  if (kind === "record") return "nothing came out of it";
  if (kind === "alert") return valueOf(fields, "level");
  switch (name) {
    case "ClientHello": {
      const suites = fieldsOf(fields, "cipher_suite").length;
      const host = valueOf(fields, "host_name");
      return `${host ? `asks for ${host}; ` : ""}offers ${plural(suites, "suite")}; key share: ${list("group").join(", ") || "none"}`;
    }
    case "HelloRetryRequest": return `asks for a key share of ${list("selected_group").concat(list("group"))[0] || "another group"}`;
    case "ServerHello": return `chooses ${list("cipher_suite")[0] || ""}, ${list("group")[0] || ""}`;
    case "EncryptedExtensions": return `answers: ${list("extension").join(", ") || "nothing"}`;
    case "CertificateRequest": return "asks for the client's certificate";
    case "Certificate": {
      const names = certificatesOf(step).map((one) => one.value);
      return names.length ? `${names[0]}${names.length > 1 ? ` and ${plural(names.length - 1, "issuer")}` : ""}` : "no certificate";
    }
    case "CertificateVerify": return `signs the transcript: ${list("algorithm")[0] || ""}`;
    case "Finished": return "proves that both have seen the same messages";
    case "NewSessionTicket": return /^0 s/.test(valueOf(fields, "ticket_lifetime")) ? "says: you are accepted" : `a ticket for ${valueOf(fields, "ticket_lifetime")}`;
    case "KeyUpdate": return "new keys from here on";
    default: return "";
  }
};

const protectionOf = (step) => {
  const record = step.records.length ? M.connections[step.connection].records[step.records[0]] : null;
  const name = step.secret || (record && record.protection && record.protection.secret);
  if (!name) return ["clear", "not encrypted"];
  return /_handshake_traffic_secret$/.test(name) ? ["handshake", "handshake keys"] : ["data", "data keys"];
};

// What a party does by itself: steps of one kind in a row are one.
const aboutOf = (step) => {
  if (step.kind === "secret") return "secrets";
  if (step.kind === "check") return step.of === "certificate" ? "certificate" : "transcript";
  return step.kind in INSIDE ? step.kind : null;
};

const insideSummary = ({ about, steps }) => {
  const first = steps[0];
  switch (about) {
    case "secrets": {
      const names = steps.map((step) => M.connections[step.connection].secrets[step.secret].name);
      const has = (pattern) => names.some((name) => pattern.test(name));
      const what = has(/^handshake_secret$/) ? "the keys of the handshake" : has(/_application_traffic_secret_0$/) ? "the keys for data"
        : has(/_application_traffic_secret_/) ? "the next keys for data" : has(/^resumption/) ? "the secret for resumption" : plural(names.length, "secret");
      return ["computes", what];
    }
    case "keys": return ["changes keys", `of what is ${[...new Set(steps.map((step) => step.direction))].join(" and ")}`];
    case "certificate": {
      const failed = steps.filter((step) => step.result === "failed");
      return failed.length ? ["refuses", `the certificate of ${first.subject || "the peer"}: ${failed.map((step) => step.check).join(", ")}`]
        : ["checks", `the certificate of ${first.subject || "the peer"}: ${steps.filter((step) => step.result === "passed").length} passed`];
    }
    case "transcript": return ["compares", `${steps.map((step) => step.check).join(", ")}: ${steps.map((step) => step.result).join(", ")}`];
    case "signature": {
      const signature = M.connections[first.connection].signatures[first.signature];
      return first.result === "made" ? ["signs", `as ${signature.signer}`] : ["checks", `the signature of ${signature.signer}: ${first.result}`];
    }
    case "agreed": return ["agrees", `on ${M.connections[first.connection].agreed.suite || ""}`];
    case "state": return ["is", first.state || ""];
    case "error": return ["fails", first.text || ""];
    default: return [about, ""];
  }
};

const STORY_NAMES = {
  connection: "sees a connection", gap: "misses octets",
  question: "is asked", certificate_requested: "asks for a certificate", certificate_issued: "issues a certificate",
  otp_issued: "draws a code", otp_sent: "has sent the code", otp_shown: "shows the code", otp_returned: "has returned the code",
  otp_accepted: "accepts the code", otp_refused: "refuses the code", receipt: "keeps the receipt",
};

// Who drew the code has other words for what becomes of it than who got it.
const storyName = ({ step, party, ...rest }) => {
  const asked = M.steps.some((one) => one.step === "certificate_requested" && one.party === party);
  const isIssuer = isIssuerOf({ party, ...rest });
  if (step === "certificate_issued" && asked) return "has its certificate";
  if (step === "otp_returned" && isIssuer) return "gets the code back";
  if (step === "otp_accepted" && !isIssuer) return "hears that the code was accepted";
  if (step === "otp_refused" && !isIssuer) return "hears that the code was refused";
  return STORY_NAMES[step] || step || "tells";
};

// All steps of a connection in one row, where it begins.
const foldedRows = () => {
  const isFolded = (step) => NUMBERS.length > FEW && typeof step.connection === "number" && step.connection !== MAIN;
  const rows = new Map();
  const parts = [[]];
  for (const step of M.steps) {
    if (!isFolded(step)) parts[parts.length - 1].push(step);
    else if (rows.has(step.connection)) rows.get(step.connection).steps.push(step);
    else {
      const row = { type: "whole", connection: step.connection, steps: [step] };
      rows.set(step.connection, row);
      parts.push(row, []);
    }
  }
  return parts.flatMap((part) => (Array.isArray(part) ? rowsOf(part) : [part]));
};

// Rows: an arrow, many arrows of data in one, what a party does inside, a step of the story, the start of a connection.
const rowsOf = (steps) => {
  const rows = [];
  // Of each party the rows that what it does next may belong to: what others do in between does not part them.
  const opened = new Map();
  let connection = null;
  for (const step of steps) {
    const last = rows[rows.length - 1];
    if (typeof step.connection === "number" && step.connection !== connection && M.connections.length > 1) {
      connection = step.connection;
      rows.push({ type: "connection", connection, steps: [] });
    }
    if (isOnTheWire(step)) {
      const isData = step.kind === "data" || step.kind === "folded";
      opened.delete(step.from);
      if (isData && last && last.type === "data" && last.from === step.from && last.connection === step.connection) last.steps.push(step);
      else rows.push({ type: isData ? "data" : "arrow", from: step.from, to: step.to, connection: step.connection, steps: [step] });
    } else if (step.kind === "story") {
      const isMore = step.step === "question" && last && last.party === step.party && last.steps.every((one) => one.step === "question");
      if (isMore) last.steps.push(step);
      else rows.push({ type: "story", party: step.party, steps: [step] });
    } else {
      const about = aboutOf(step);
      if (!about) continue;
      const own = opened.get(step.party) || [];
      const row = own.find((one) => one.about === about && one.steps[0].connection === step.connection);
      if (row && !["state", "error", "signature"].includes(about)) row.steps.push(step);
      else {
        rows.push({ type: "inside", about, party: step.party, steps: [step] });
        opened.set(step.party, [...own, rows[rows.length - 1]]);
      }
    }
  }
  return rows.flatMap((row) => row.type !== "data" ? [row]
    : row.steps.length <= MANY ? row.steps.map((step) => ({ ...row, type: "arrow", steps: [step] }))
    : [{ ...row, type: "many" }]);
};

const place = (node, from, to) => {
  const count = M.lanes.length;
  const [left, right] = [Math.min(from, to), Math.max(from, to)];
  node.style.setProperty("--left", `${((left + 0.5) / count) * 100}%`);
  node.style.setProperty("--width", `${((right - left) / count) * 100}%`);
  node.style.setProperty("--middle", `${((left + right + 1) / 2 / count) * 100}%`);
  node.style.setProperty("--room", `${(Math.min(left + right + 1, 2 * count - left - right - 1) / count) * 100}%`);
  node.style.setProperty("--span", `${Math.max(1, right - left) / count * 100}%`);
};

const rowNode = (row) => {
  const [step] = row.steps;
  if (row.type === "connection") {
    return el("li", { class: "start" }, connectionName(row.connection));
  }
  const item = el("li", { class: `row is-${row.type}`, "data-step": step.at });
  let name = "";
  let summary = "";
  let spoken = "";
  let build = null;
  const tags = [];
  if (row.type === "whole") {
    name = connectionName(row.connection);
    summary = plural(row.steps.filter(isOnTheWire).length, "message");
    if (row.steps.some((one) => one.kind === "error")) tags.push(el("span", { class: "tag bad" }, "failed"));
    build = () => [el("ol", { class: "rows" }, rowsOf(row.steps).filter((one) => one.type !== "connection").map(rowNode))];
  } else if (row.type === "arrow" || row.type === "many") {
    const [kind, words] = protectionOf(step);
    item.classList.add(kind);
    name = row.type === "many" ? plural(row.steps.reduce((sum, one) => sum + (one.folded || 1), 0), "record") + " of data" : nameOf(step);
    summary = row.type === "many" ? plural(row.steps.reduce((sum, one) => sum + (one.length || 0), 0), "octet") : summaryOf(step);
    spoken = `, ${who(row.from)} to ${who(row.to)}`;
    tags.push(el("span", { class: `tag ${kind}` }, words));
    const fate = fateOf(step);
    if (fate) tags.push(el("span", { class: "tag bad" }, fate[0]));
    build = row.type === "many"
      ? () => [el("ol", { class: "rows" }, row.steps.map((one) => rowNode({ ...row, type: "arrow", steps: [one] })))]
      : () => messageDetail(step);
    if (step.kind === "alert" && step.name !== "close_notify") item.classList.add("bad");
  } else {
    if (row.type === "story") {
      name = storyName(step);
      summary = row.steps.length > 1 ? plural(row.steps.length, "question") : step.text || step.question || "";
      build = () => (row.steps.length > 1 ? [says(STORY.question), questionList(row.steps)] : storyDetail(step));
    } else {
      [name, summary] = insideSummary(row);
      build = () => insideDetail(row);
    }
    name = `${row.party === null ? "Listener" : label(row.party)} ${name}`;
    if (row.about === "error" || row.steps.some((one) => one.result === "failed") || step.step === "otp_refused") item.classList.add("bad");
    else if (row.about === "keys" || row.about === "secrets" || row.about === "state" || row.about === "agreed") item.classList.add("quiet");
  }
  const id = newId("detail");
  const time = timeOf(step);
  const line = el("span", { class: "line" }, el("span", { class: "name" }, name, el("span", { class: "unseen" }, spoken)), " ",
    el("span", { class: "summary" }, row.type === "story" ? masked(summary).map((part) => (typeof part === "string" ? part : MASK)) : summary), " ", tags,
    time !== null ? el("span", { class: "time" }, since(time)) : null);
  const arrow = row.type === "arrow" || row.type === "many" ? el("span", { class: `arrow ${row.to > row.from ? "right" : "left"}`, "aria-hidden": "true" }) : null;
  const toggle = el("button", { type: "button", class: "step", "aria-expanded": "false", "aria-controls": id, onclick: () => open(item) }, line, arrow);
  const detail = el("div", { class: "detail", id, hidden: true });
  for (const one of [line, arrow, item]) if (one) place(one, row.from ?? row.party ?? 0, row.to ?? row.party ?? M.lanes.length - 1);
  item.append(toggle, detail);
  item.build = build;
  item.steps = row.steps;
  return item;
};

const open = (item, isOpen) => {
  const toggle = item.querySelector(":scope > .step");
  const detail = item.querySelector(":scope > .detail");
  const opens = isOpen === undefined ? detail.hidden : isOpen;
  if (opens && !detail.hasChildNodes()) detail.append(...item.build());
  detail.hidden = !opens;
  toggle.setAttribute("aria-expanded", String(opens));
};

const rowOf = (at) => Array.from(document.querySelectorAll("#messages .row")).find((item) => item.steps.some((step) => step.at === at));

// Opens a step, wherever it is folded away, and goes there.
const showStep = (at) => {
  document.getElementById("inside").checked = true;
  document.getElementById("sequence").classList.remove("messages-only");
  let item = rowOf(at);
  while (item) {
    open(item, true);
    const inner = Array.from(item.querySelectorAll(":scope .row")).find((one) => one.steps.some((step) => step.at === at));
    if (!inner) break;
    item = inner;
  }
  if (!item) return;
  const toggle = item.querySelector(".step");
  item.scrollIntoView({ block: "start" });
  toggle.focus({ preventScroll: true });
};

// Which messages a key protected: marked where they are listed.
const markSteps = (steps) => {
  const wanted = new Set(steps.map((step) => step.at));
  for (const item of document.querySelectorAll("#messages .row")) item.classList.toggle("under-key", item.steps.some((step) => wanted.has(step.at)));
};

const walk = (event) => {
  const item = event.target.closest && event.target.closest(".row");
  if (!item) return;
  if (event.key === "Escape") {
    const opened = event.target.closest(".row");
    if (opened.querySelector(":scope > .detail").hidden) return;
    open(opened, false);
    opened.querySelector(".step").focus();
  } else if (event.target.classList.contains("step") && (event.key === "ArrowDown" || event.key === "ArrowUp" || event.key === "Home" || event.key === "End")) {
    const all = Array.from(document.querySelectorAll("#messages .step")).filter((one) => one.offsetParent !== null);
    const at = all.indexOf(event.target);
    const to = { ArrowDown: at + 1, ArrowUp: at - 1, Home: 0, End: all.length - 1 }[event.key];
    if (all[to]) all[to].focus();
  } else return;
  event.preventDefault();
};

const messagesSection = () => {
  const rows = el("ol", { class: "rows" }, foldedRows().map(rowNode));
  const lanes = el("div", { class: "lanes" }, M.lanes.map((lane, index) => el("div", { class: `lane ${lane.told ? "" : "untold"}` },
    el("span", { class: "lane-name" }, label(index)), lane.told ? null : el("span", { class: "lane-note" }, "no trace"))));
  const lines = el("div", { class: "lifelines", "aria-hidden": "true" }, M.lanes.map((_, index) => {
    const line = el("span", {});
    line.style.setProperty("--left", `${((index + 0.5) / M.lanes.length) * 100}%`);
    return line;
  }));
  const sequence = el("div", { id: "sequence" }, lanes, el("div", { class: "steps" }, lines, rows));
  sequence.style.setProperty("--lanes", M.lanes.length);
  sequence.addEventListener("keydown", walk);
  const inside = el("input", { type: "checkbox", id: "inside", checked: true,
    onchange: (event) => sequence.classList.toggle("messages-only", !event.target.checked) });
  return section("messages", "What happened, in order",
    el("p", {}, "Each arrow is a message. Open one to see what it is for, its fields and its octets. Keys: ↑ and ↓ go from one to the next, Enter opens, Escape closes."),
    el("p", { class: "legend" }, el("span", { class: "tag clear" }, "not encrypted"), " ", el("span", { class: "tag handshake" }, "handshake keys"), " ", el("span", { class: "tag data" }, "data keys"), " ",
      el("label", {}, inside, " show also what each party does by itself")),
    M.steps.some(isOnTheWire) ? null : notThere("There is no message in this trace."),
    sequence);
};

const section = (id, title, ...children) => el("section", { id, "aria-labelledby": `${id}-title` }, el("h2", { id: `${id}-title` }, title), ...children);
const question = (id, title, ...children) => el("div", { class: "question", id }, el("h3", {}, title), ...children);
