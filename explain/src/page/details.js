// What opens below a message or a step.

const says = ({ says: sentences, rfc: section }) =>
  el("p", { class: "says" }, (sentences || []).join(" "), section ? [" ", rfc(section)] : []);

const attackBox = (name) => {
  const [question, answer, check, lab] = ATTACKS[name];
  return el("div", { class: "attack" },
    el("p", { class: "attack-question" }, el("span", { class: "what-if" }, "What if an attacker "), question),
    el("p", {}, answer),
    el("p", { class: "attack-check" }, "What holds: ", el("strong", {}, check), ". Try it: ",
      el("code", {}, `python examples/attack_lab --only ${lab || name}`)));
};
const attackBoxes = (names) => (names || []).length
  ? el("div", { class: "attacks" }, names.map(attackBox)) : null;

const keyLink = (connection, name) => button(name, () => showKey(connection, name), { class: "link key-link" });
const stepLink = (step, text) => button(text || `${nameOf(step)}`, () => showStep(step.at), { class: "link" });

const notThere = (text) => el("p", { class: "absent" }, text);

// The header of a record, and what of the rest the trace has.
const recordView = (record, step) => {
  const { protection } = record;
  const octets = record.is_plain ? record.octets + (step.octets || "") : record.octets || "";
  const omitted = record.omitted || 0;
  const length = (record.length || 0) + 5;
  const fields = octets.length >= 10 ? [
    { name: "type", start: 0, end: 1, value: `${protection ? "application_data" : record.type} (0x${octets.slice(0, 2)})` },
    { name: "legacy_record_version", start: 1, end: 3, value: `0x${octets.slice(2, 6)}` },
    { name: "length", start: 3, end: 5, value: String(record.length) },
    { name: protection ? "encrypted_record" : "fragment", start: 5, end: Math.max(6, octets.length / 2), value: protection ? "nothing that a listener can read" : "" },
  ] : [];
  return el("div", { class: "record" },
    facts([
      ["Record", `${plural(length, "octet")}, of the type ${record.type || "unknown"}`],
      ["Protected with", protection ? el("span", {}, keyLink(step.connection, protection.secret), ", which the listener does not have") : "nothing: anybody can read it"],
      ["Sequence number", protection ? `${protection.sequence}: it is not sent, both sides count. It makes the nonce of this record, so that the same text looks different each time` : null],
    ]),
    octetsAndFields(octets, fields, "the record"),
    omitted ? notThere(`The other ${plural(omitted, "octet")} of the record are not in the trace.`) : null);
};

const fateOf = (step) => {
  const connection = M.connections[step.connection];
  const [sent, received] = step.told;
  const [clientTold, serverTold] = connection.told;
  const senderTold = step.sender === 0 ? clientTold : serverTold;
  const receiverTold = step.sender === 0 ? serverTold : clientTold;
  if (step.arrived) return ["changed on its way", `What arrived is not what ${who(step.from)} sent.`];
  // Who has closed does not wait for the other's end.
  if (step.name === "close_notify") return null;
  if (sent && !received && receiverTold) return ["did not arrive", `The trace of ${who(step.to)} does not tell of it.`];
  if (received && !sent && senderTold) return ["not sent so", `The trace of ${who(step.from)} does not tell of it: somebody else made, changed or repeated it.`];
  return null;
};

const times = (step) => {
  const time = (value) => (value === null || value === undefined ? null : `${clock(value)} (${since(value)})`);
  const missing = "its time was not recorded";
  const connection = M.connections[step.connection];
  if (connection.is_heard) return [["Seen", time(timeOf(step)) || missing]];
  const [sent, received] = step.told;
  return [
    ["Sent", sent ? time(step.sent) || missing : connection.told[step.sender] ? "the trace of the sender does not tell of it" : `by ${who(step.from)}, of whom there is no trace of it`],
    ["Received", received ? time(step.received) || missing : connection.told[1 - step.sender] ? "the trace of the receiver does not tell of it" : `by ${who(step.to)}, of whom there is no trace of it`],
  ];
};

const messageDetail = (step) => {
  const connection = M.connections[step.connection];
  const isEmpty = step.name === "Certificate" && step.octets && !certificatesOf(step).length;
  const words = step.kind === "message" ? (isEmpty ? MESSAGES.EmptyCertificate : MESSAGES[step.name] || MESSAGES.other)
    : step.kind === "alert" ? MESSAGES[step.name] || MESSAGES.alert : MESSAGES[step.kind];
  const fate = fateOf(step);
  const records = step.records.map((index) => connection.records[index]);
  const view = step.octets ? octetsAndFields(step.octets, step.fields, nameOf(step)) : null;
  const parts = [says(words), fate ? el("p", { class: "fate" }, el("strong", {}, fate[0]), ". ", fate[1]) : null,
    facts([
      ["From, to", `${who(step.from)} to ${who(step.to)}`],
      ...times(step),
      ["Length", step.length !== undefined ? plural(step.length, "octet") : null],
      ["Records", step.folded ? plural(step.folded, "record") : null],
      ["Protected with", step.secret ? keyLink(step.connection, step.secret) : step.kind === "record" ? null : "nothing: it is not encrypted"],
    ])];
  if (step.kind === "data") {
    parts.push(el("h3", { class: "minor" }, "Content"));
    parts.push(step.octets
      ? el("div", { class: "content" }, secret("the data", () => el("div", {}, el("p", { class: "text" }, readable(step.octets)), octetsAndFields(step.octets, null, "the data"))),
        step.omitted ? notThere(`The other ${plural(step.omitted, "octet")} are not in the trace.`) : null)
      : notThere("The data is not in this trace: it has messages alone, without keys and data."));
  } else if (view) {
    parts.push(el("h3", { class: "minor" }, "Fields and octets"), view);
  }
  if (step.arrived && step.arrived.octets) {
    parts.push(el("h3", { class: "minor" }, "What arrived instead"), octetsAndFields(step.arrived.octets, step.arrived.fields, `${nameOf(step)} as it arrived`));
  }
  if (records.length) {
    const others = M.steps.filter((other) => other !== step && isOnTheWire(other) && other.connection === step.connection &&
      other.records.some((record) => step.records.includes(record)));
    const title = records.some((record) => record.protection) ? "As a listener sees it" : "The record that it travelled in";
    parts.push(folded(title, () => [
      others.length ? el("p", {}, `The same ${records.length === 1 ? "record carries" : "records carry"} also: ${others.map(nameOf).join(", ")}.`) : null,
      ...records.map((record) => recordView(record, step))].filter(Boolean)));
  } else if (step.kind !== "folded") {
    parts.push(notThere("The record that carried it is not in the trace."));
  }
  parts.push(attackBoxes(words.attacks));
  return parts.filter(Boolean);
};

// Octets as text, where they are text for the most part.
const readable = (hex) => new TextDecoder().decode(bytes(hex)).replace(/[\u0000-\u0008\u000b-\u001f\u007f-\u009f\ufffd]+/g, "·");

const checkTable = (checks) => el("div", { class: "scroll", tabindex: "0", role: "group", "aria-label": "Checks" }, el("table", {},
  el("thead", {}, el("tr", {}, ["Check", "Result", "What was compared"].map((name) => el("th", { scope: "col" }, name)))),
  el("tbody", {}, checks.map((check) => el("tr", { class: check.result === "failed" ? "failed" : "" },
    el("th", { scope: "row" }, check.check, CHECKS[check.check] ? el("span", { class: "meaning" }, CHECKS[check.check]) : null),
    el("td", {}, el("span", { class: `result ${(check.result || "").replace(" ", "-")}` }, check.result || "not told")),
    el("td", {}, check.reason || "", check.hint ? el("p", { class: "hint" }, `What to do: ${check.hint}`) : null))))));

const signatureFacts = (signature) => facts([
  ["Signer", signature.signer], ["Key", signature.key], ["Scheme", signature.scheme],
  ["Made by", signature.made_by !== undefined ? Who(signature.made_by) : "the trace does not hold the side that made it"],
  ["Checked by", signature.checked_by !== undefined ? Who(signature.checked_by) : "the trace does not hold the side that checks it"],
  ["Result", signature.checked_by !== undefined ? el("span", { class: `result ${signature.result}` }, signature.result) : null],
]);

// What is signed (RFC 8446 §4.4.3): blanks, a text for the role, 0, the hash.
const signedFields = (hex) => {
  const size = hex.length / 2;
  const zero = bytes(hex).indexOf(0);
  if (zero < 64) return null;
  return [
    { name: "64 blanks", start: 0, end: 64 },
    { name: "context string", start: 64, end: zero, value: new TextDecoder().decode(bytes(hex).slice(64, zero)) },
    { name: "separator", start: zero, end: zero + 1 },
    { name: "hash of the transcript", start: zero + 1, end: size },
  ];
};

const insideDetail = (row) => {
  const words = INSIDE[row.about];
  const parts = [says(words)];
  const first = row.steps[0];
  const { connection } = first;
  if (row.about === "secrets") {
    const names = row.steps.filter((step) => step.kind === "secret").map((step) => M.connections[connection].secrets[step.secret].name);
    parts.push(el("ul", { class: "plain" }, names.map((name) => el("li", {}, keyLink(connection, name), ": ", secretWords(name)[0]))));
  }
  for (const step of row.steps) {
    if (step.kind === "keys") parts.push(el("p", {}, "What is ", step.direction, " from here on is protected with the keys of ", keyLink(connection, step.secret), "."));
    if (step.kind === "signature") {
      const signature = M.connections[connection].signatures[step.signature];
      parts.push(signatureFacts(signature), signature.signed
        ? folded("What is signed", () => octetsAndFields(signature.signed, signedFields(signature.signed), "what is signed")) : null);
    }
    if (step.kind === "agreed") parts.push(agreedFacts(M.connections[connection]));
    if (step.kind === "state") parts.push(facts([["State", step.state]]));
    if (step.kind === "error") parts.push(facts([["Code", step.code], ["Why", step.text], ["What to do", step.hint]]));
  }
  const checks = row.steps.filter((step) => step.kind === "check");
  if (checks.length) parts.push(checkTable(checks));
  parts.push(attackBoxes(words.attacks));
  return parts.filter(Boolean);
};

const agreedFacts = ({ agreed }) => (agreed && agreed.suite ? el("div", {}, facts([
  ["Version", "TLS 1.3"],
  ["Cipher suite", `${agreed.suite} (0x${Number(agreed.suite_code).toString(16).padStart(4, "0")})`],
  ["Group", agreed.group],
  ["Resumed", agreed.resumed ? "yes: the certificates were shown in an earlier connection" : "no: certificates were shown in this connection"],
]), agreed.suite_is_private ? el("p", { class: "private" }, el("strong", {}, "A private suite. "),
  "Its number is of the range for private use (", rfc("RFC 8446 §11"), "): Wireshark cannot read it, even with the keys. AES-GCM, or CHACHA20 with SHA256, can be read there.") : null) : notThere("The trace does not say what was agreed on."));

const storyDetail = (step) => {
  const words = storyWords(step);
  return [says(words), storyFacts(step), attackBoxes(words.attacks)].filter(Boolean);
};
