// Which key is made of what, what it protects, and when it is thrown away.

const keyId = (connection, name) => `key-${connection}-${name.replace(/\W+/g, "-")}`;

// A secret stands below the one that it is expanded or extracted from.
const parentOf = ({ derivation }) => {
  const { from, salt } = derivation || {};
  return from || (salt && salt !== "zeros" ? salt : null);
};

const formula = ({ derivation, length }) => {
  const how = derivation || {};
  if (how.given) return length === undefined ? `not known: ${how.given}` : `given: ${how.given}`;
  if (how.function === "HKDF-Extract") return `HKDF-Extract(salt = ${how.salt}, input = ${how.input})`;
  if (how.function === "HKDF-Expand-Label") return `HKDF-Expand-Label(${how.from}, "${how.label}", ${how.context ? `hash of ${how.context_of}` : "\"\""}, ${length})`;
  return "the trace does not say how";
};

const keyNode = (connection, one, all) => {
  const { name } = one;
  const [use, end, where] = secretWords(name);
  const uses = protectedBy(connection, name);
  const isTraffic = /_traffic_secret/.test(name);
  const context = (one.derivation || {}).context;
  const changes = stepsOf(connection, "keys").filter((step) => step.secret === baseSecret(name));
  const build = () => [
    facts([
      ["Made by", el("code", {}, formula(one))],
      ["Context", context ? [code(context), ` the hash of ${one.derivation.context_of}`] : null],
      ["Value", one.length === undefined ? "not known" : one.value ? secret(`the value of ${name}`, () => code(one.value)) : "not in this trace: it has messages alone, without keys and data"],
      ["Known to", one.known_to && one.known_to.some((lane) => lane !== null) ? [...new Set(one.known_to)].map(who).join(" and ") + (one.known_to.length > 1 ? (one.differs ? ", with different values" : ", with the same value") : "") : "who gave the key log"],
      ["What becomes of it", end],
      ["Used from", isTraffic ? changes.map((step) => `${Who(step.party)}: for what is ${step.direction}${timeOf(step) === null ? "" : `, from ${since(timeOf(step))} on`}`).join("; ") : null],
      ["Section", rfc(where)],
    ]),
    isTraffic ? [el("p", {}, uses.length ? `It protected ${plural(uses.length, "message")}:` : "It protected nothing that this trace tells of."),
      el("ul", { class: "plain" }, uses.slice(0, 40).map((step) => el("li", {}, stepLink(step), ` ${who(step.from)} to ${who(step.to)}, ${plural(step.length || 0, "octet")}`))),
      uses.length > 40 ? el("p", {}, `and ${uses.length - 40} more, which are marked above`) : null] : null,
  ].flat().filter(Boolean);
  const details = folded([el("span", { class: "key-name" }, name), " ", el("span", { class: "summary" }, use)], build,
    { id: keyId(connection, name), class: isTraffic ? "key traffic" : "key" });
  details.addEventListener("toggle", () => { if (details.open && isTraffic) markSteps(uses); });
  const children = all.filter((other) => parentOf(other) === name);
  const input = (one.derivation || {}).input;
  return el("li", {}, details,
    input && input !== "zeros" && all.some((other) => other.name === input) ? el("p", { class: "input" }, "takes in ", keyLink(connection, input)) : null,
    children.length ? el("ul", {}, children.map((child) => keyNode(connection, child, all))) : null);
};

const showKey = (connection, name) => {
  const outer = document.getElementById(`keys-${connection}`);
  if (outer && outer.fill) { outer.fill(); outer.open = true; }
  const details = document.getElementById(keyId(connection, name));
  if (!details) return;
  details.fill();
  details.open = true;
  details.scrollIntoView({ block: "center" });
  details.querySelector("summary").focus({ preventScroll: true });
};

const keyTree = (connection) => {
  const { secrets } = M.connections[connection];
  if (!secrets.length) return notThere("The trace has no secrets of this connection: it failed before there were any, or none were recorded.");
  const names = new Set(secrets.map((one) => one.name));
  const roots = secrets.filter((one) => !names.has(parentOf(one)));
  const isGiven = roots.some((one) => /_traffic_secret/.test(one.name));
  return el("div", {}, isGiven ? notThere("This was read from a capture with a key log: what the traffic secrets were made of is not in it.") : null,
    el("ul", { class: "tree" }, roots.map((one) => keyNode(connection, one, secrets))));
};

const perConnection = (id, build) => {
  if (M.connections.length === 0) return notThere("There is no connection in this trace.");
  if (M.connections.length === 1) return build(0);
  return NUMBERS.map((index) => {
    const details = folded(connectionName(index), () => build(index), { id: `${id}-${index}`, class: "connection" });
    if (index === MAIN) { details.open = true; details.fill(); }
    return details;
  });
};

const server = () => (M.connections.length ? who(M.connections[MAIN].lanes[1]) : "the server");
const client = () => (M.connections.length ? who(M.connections[MAIN].lanes[0]) : "the client");

const otpKey = () => {
  const sent = M.steps.filter((step) => step.step === "otp_sent" || (step.step === "otp_returned" && !isIssuerOf(step)));
  const lines = sent.map((step) => {
    const carrier = carrierOf(step);
    return carrier && carrier.secret
      ? el("li", {}, `${Who(step.party)} ${step.step === "otp_sent" ? "sent the code" : "returned it"} under `, keyLink(carrier.connection, `key of ${carrier.secret}`), ", in ", stepLink(carrier, "this message"), ".")
      : el("li", {}, `${Who(step.party)} ${step.step === "otp_sent" ? "sent" : "returned"} a code; the trace does not tell of the message that carried it.`);
  });
  if (lines.length) return el("ul", {}, lines);
  const data = M.steps.filter((step) => step.kind === "data");
  const keys = [...new Set(data.map((step) => `${step.connection} ${step.secret}`))];
  return [notThere("The trace tells of no code that was sent."), keys.length ? el("p", {}, "Data was sent under ", keys.map((one, index) => {
    const [connection, name] = one.split(" ");
    return [index ? " and " : "", keyLink(Number(connection), name)];
  }), ".") : null];
};

const thrownAway = (connection) => {
  const { secrets } = M.connections[connection];
  return el("ul", {}, secrets.filter((one) => !/^(key|iv|salt) of /.test(one.name)).map((one) => el("li", {}, keyLink(connection, one.name), ": ", secretWords(one.name)[1])));
};

const keysSection = () => section("keys", "Which key protects what?",
  el("p", {}, "Each secret is computed from the one above it and from what it names: handshake_secret takes in shared_secret, the result of the key exchange. HKDF-Extract and HKDF-Expand-Label are HMACs that make keys of keys. Open one to see how, its value, and the messages that it protected: these are marked in the list above. ", rfc("RFC 8446 §7.1")),
  el("div", { class: "trees" }, perConnection("keys", keyTree)),
  question("otp-key", "Which key encrypted the one-time password?", otpKey()),
  question("thrown-away", "What is thrown away, and when?",
    el("p", {}, "The private halves of the key exchange go first, right after shared_secret is computed. The keys of the handshake go when it ends: they have done their work, and whoever takes over a machine later must not find them. otls overwrites what it throws away."),
    M.connections.length ? folded("Every secret, with its end", () => thrownAway(MAIN)) : null),
  question("thief", `What would a thief of the private key of ${server()} read?`,
    el("p", {}, "Of what was recorded: nothing. The private key of a certificate signs, and encrypts nothing; the keys of the records come from a key exchange whose private halves are thrown away. ",
      "Of what comes later: the thief can pass for ", server(), " until the certificate is revoked or ends, to whoever connects to the thief; a connection that somebody has with the real one stays closed. ", rfc("RFC 8446 §E.1")),
    attackBox("forward-secrecy")));
