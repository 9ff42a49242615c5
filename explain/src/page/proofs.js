// Who proves what: the listener's view, the transcript, signatures, certificates.

const listenerSection = () => {
  const wire = M.steps.filter(isOnTheWire);
  const clear = wire.filter((step) => protectionOf(step)[0] === "clear");
  const hosts = [...new Set(M.steps.filter((step) => step.name === "ClientHello").flatMap((step) => fieldsOf(step.fields || [], "host_name").map((field) => field.value)).filter(Boolean))];
  const hidden = wire.filter((step) => protectionOf(step)[0] !== "clear");
  const names = (steps) => el("ul", { class: "plain" }, steps.slice(0, 60).map((step) => el("li", {}, stepLink(step), ` ${who(step.from)} to ${who(step.to)}, ${plural(step.length ?? 1, "octet")}`)),
    steps.length > 60 ? el("li", {}, `and ${steps.length - 60} more`) : null);
  return section("listener", "What does a listener see?",
    el("p", {}, "Whoever reads along on the network sees who speaks with whom, when, and how long each record is. ",
      hosts.length ? `The name of the server that the client asks for is in the ClientHello, and can be read: ${hosts.join(", ")}. ` : "A name by which a client asks for its server can be read in the ClientHello; here there is none, the servers were asked for by address. ", rfc("RFC 8446 §E.3")),
    question("clear", "Which messages were not encrypted?", clear.length ? names(clear) : notThere("None that this trace tells of.")),
    question("hidden", "What does the listener see of the others?",
      el("p", {}, `${plural(hidden.length, "message")} went in encrypted records, several of them together in one: of each record the listener has a header of 5 octets, which says "application data", and then octets that look random. Even the kind of message is encrypted.`),
      hidden.length ? folded("These messages", () => names(hidden)) : null, attackBox("eavesdropper")));
};

const transcriptSection = () => section("transcript", "What binds the handshake to its messages?",
  el("p", {}, "The transcript: both sides hash every handshake message that they send or receive, in order. Keys, signatures and Finished are computed from that hash. If anybody changes, adds or drops one octet, the two sides have different hashes, and so different keys: the next record does not open, and its receiver ends the connection. The table has the hashes that keys were made of; what was signed is under Who signed what? ", rfc("RFC 8446 §4.4.1")),
  perConnection("transcript", (index) => {
    const connection = M.connections[index];
    const hashes = new Map();
    for (const one of connection.secrets) {
      const { context, context_of: over } = one.derivation || {};
      if (!context || over === "nothing") continue;
      if (!hashes.has(context)) hashes.set(context, { over, names: [] });
      hashes.get(context).names.push(one.name);
    }
    const checks = stepsOf(index, "check").filter((step) => step.of === "transcript");
    return el("div", {}, hashes.size ? el("div", { class: "scroll", tabindex: "0", role: "group", "aria-label": "Hashes of the transcript" }, el("table", {},
      el("thead", {}, el("tr", {}, ["Messages", "Hash", "What is made with it"].map((name) => el("th", { scope: "col" }, name)))),
      el("tbody", {}, [...hashes].map(([hash, { over, names }]) => el("tr", {}, el("th", { scope: "row" }, over), el("td", {}, code(hash)),
        el("td", {}, names.map((name, at) => [at ? ", " : "", keyLink(index, name)]))))))) : notThere("The trace has no hashes of the transcript of this connection."),
      checks.length ? checkTable(checks.map((step) => ({ ...step, check: step.check, reason: `${Who(step.party)}: ${step.reason || ""}` }))) : notThere("The trace tells of no check of the transcript."));
  }),
  attackBox("flip-handshake"));

const signaturesSection = () => section("signatures", "Who signed what?",
  el("p", {}, "In the handshake each side that shows a certificate signs the transcript with its private key: who only copied the certificate cannot. Private keys stay with their owners: no trace has one. ", rfc("RFC 8446 §4.4.3")),
  perConnection("signatures", (index) => {
    const connection = M.connections[index];
    if (!connection.signatures.length) {
      return notThere(connection.agreed && connection.agreed.resumed ? "Nobody signed: the session is resumed, and its secret proves who both are." : "The trace tells of no signature.");
    }
    return el("div", { class: "cards" }, connection.signatures.map((signature) => el("div", { class: "card" }, signatureFacts(signature),
      signature.signed ? folded("What is signed", () => octetsAndFields(signature.signed, signedFields(signature.signed), "what is signed")) : null)));
  }));

const certificatesOf = (step) => fieldsOf(step.fields, "cert_data").flatMap((entry) => (entry.fields || []).filter((field) => field.name === "Certificate"));

const certificateCard = (step, certificate, depth) => {
  const { fields } = certificate;
  const hex = (field) => (field ? step.octets.slice(2 * field.start, 2 * field.end) : "");
  const one = (name) => valueOf(fields, name);
  const [serialNumber] = fieldsOf(fields, "serialNumber");
  const extensions = fieldsOf(fields, "extension");
  return el("div", { class: "card" }, el("h4", {}, depth === 0 ? "Its own certificate" : `Issuer ${depth}`),
    facts([
      ["Subject", certificate.value || one("subject")], ["Issuer", one("issuer")],
      ["Valid from", one("notBefore")], ["Valid until", one("notAfter")],
      ["Public key", one("subjectPublicKeyInfo")], ["Signed with", one("signatureAlgorithm") || one("signature")],
      ["Serial number", serialNumber ? code(serialNumber.value || hex(serialNumber).slice(4)) : null],
      ...extensions.map((field) => [field.value.replace(/^X509v3 /, ""), valueOf(field.fields, "extnValue")]),
    ]), stepLink(step, "its octets"));
};

const chain = (index, sender) => {
  const connection = M.connections[index];
  const owner = connection.lanes[sender];
  const step = messagesOf(index, "Certificate").find((message) => message.sender === sender);
  const checker = connection.lanes[1 - sender];
  // Each side checks the other's certificates alone.
  const checks = stepsOf(index, "check").filter((check) => check.of === "certificate" && check.party === checker);
  const subjects = [...new Set(checks.map((check) => `${check.depth ?? 0} ${check.subject || ""}`))];
  const certificates = step ? certificatesOf(step) : [];
  return question(`chain-${index}-${sender}`, `Who vouches for ${who(owner)}?`,
    step ? (certificates.length ? el("div", { class: "cards" }, certificates.map((one, depth) => certificateCard(step, one, depth))) : el("p", {}, "It sent no certificate."))
      : notThere(connection.agreed && connection.agreed.resumed ? "No certificate was sent: the session is resumed, and both sides remember the certificates of its first connection." : "The trace has no certificate of this side."),
    checks.length ? subjects.map((key) => {
      const [depth] = key.split(" ");
      const own = checks.filter((check) => `${check.depth ?? 0} ${check.subject || ""}` === key);
      return el("div", {}, el("h4", {}, `${Who(checker)} checked ${own[0].subject || "it"}${depth === "0" ? "" : `, ${depth} above it`}`), checkTable(own));
    }) : step ? notThere(`The trace does not tell what ${who(checker)} checked.`) : null);
};

const certificatesSection = () => section("certificates", "Certificates: who vouches for whom?",
  el("p", {}, "A certificate says: this key belongs to this name. Its issuer signs that; an authority that is trusted beforehand stands at the end. ", rfc("RFC 5280 §6.1")),
  question("why-believed", `Why did ${client()} believe that it is ${server()}?`, M.connections.length ? believed(MAIN) : null),
  perConnection("certificates", (index) => el("div", {}, chain(index, 1), chain(index, 0))),
  el("div", { class: "attacks" }, attackBox("swap-certificates"), attackBox("other-ca")));

const believed = (index) => {
  const connection = M.connections[index];
  const checker = connection.lanes[0];
  const checks = stepsOf(index, "check").filter((step) => step.party === checker);
  const failed = checks.filter((step) => step.result === "failed");
  if (failed.length) return el("p", {}, `It did not: ${failed.map((step) => `${step.check} (${step.reason || ""})`).join("; ")}.`);
  const find = (name, of) => checks.find((step) => step.check === name && step.of === of && step.result === "passed");
  const signature = connection.signatures.find((one) => one.checked_by === checker && one.result === "passed");
  const items = [
    ["The certificate is for the name that was asked for", find("name", "certificate")],
    ["An authority stands behind it that was trusted beforehand", find("issuer", "certificate")],
    ["The issuer's signature over the certificate is right", find("signature", "certificate")],
    ["Whoever speaks has the private key of the certificate, now", signature && { reason: `CertificateVerify, ${signature.scheme}, by ${signature.signer}` }],
    ["Both sides have seen the same messages", find("Finished", "transcript")],
  ].filter(([, found]) => found);
  if (!items.length) return notThere(connection.told[0] ? "The trace tells of no check that passed." : `There is no trace of ${who(checker)}, so what it checked is not known.`);
  return [connection.agreed && connection.agreed.resumed ? el("p", {}, "The session is resumed: its secret is known to the two sides of the first connection alone.") : null,
    el("ol", {}, items.map(([text, found]) => el("li", {}, `${text}: `, el("span", { class: "reason" }, found.reason || "passed"), ".")))];
};
