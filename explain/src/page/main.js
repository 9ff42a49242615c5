// The page, put together.

const failures = () => {
  const errors = M.steps.filter((step) => step.kind === "error" || (step.kind === "check" && step.result === "failed") || (step.kind === "signature" && step.result === "failed"));
  if (!errors.length) return null;
  return el("div", { class: "banner failure", role: "region", "aria-label": "What failed" }, el("p", {}, el("strong", {}, "This did not succeed.")),
    el("ul", {}, errors.slice(0, 12).map((step) => el("li", {},
      `${Who(step.party)}: `, step.kind === "check" ? `the check ${step.check}${step.subject ? ` of ${step.subject}` : ""} failed: ${step.reason || ""}` : step.kind === "error" ? step.text || step.code || "" : "a signature does not verify",
      ". ", button("Show", () => showStep(step.at), { "aria-label": `Show this step of ${who(step.party)}` }), step.hint ? el("p", { class: "hint" }, `What to do: ${step.hint}`) : null))));
};

const headerParts = () => {
  const titles = M.lanes.filter((lane) => lane.told).map((lane) => lane.title).filter(Boolean);
  const told = M.lanes.map((_, index) => index).filter((index) => M.lanes[index].told);
  const untold = M.lanes.map((_, index) => index).filter((index) => !M.lanes[index].told);
  const connection = M.connections[MAIN];
  return [
    el("h1", {}, "A connection explained"),
    titles.length ? el("p", { class: "title" }, [...new Set(titles)].join("; ")) : null,
    facts([
      ["Told by", told.length ? told.map(who).join(", ") : "a capture"],
      ["Without a trace", untold.map(who).join(", ")],
      ["When", START !== null ? clock(START) : "the trace does not say"],
      ["Connections", String(M.connections.length)],
    ]),
    hasSecrets ? el("div", { class: "banner secrets" }, el("p", {}, el("strong", {}, "This page contains keys and data."),
      " Whoever has it can read the connections that it tells of. They are masked until you show them; the file has them all the same. No private key of a certificate is in it."),
    el("button", { type: "button", id: "show-all", onclick: (event) => {
      showSecrets(!areSecretsShown);
      event.target.textContent = areSecretsShown ? "Hide all secrets" : "Show all secrets";
    } }, "Show all secrets"))
      : el("p", { class: "banner" }, "This page has messages alone: its trace was made without keys and data."),
    isCapture ? el("p", { class: "banner" }, "Read from a capture: what the two sides did by themselves, their checks and the upper secrets, is not in it.") : null,
    failures(),
    connection && M.connections.length > 1 ? el("p", { class: "title" }, `Of the connection of ${M.connections[MAIN].lanes.map(who).join(" and ")}:`) : null,
    connection ? agreedFacts(connection) : null,
  ].filter(Boolean);
};

document.getElementById("top").append(...headerParts());
const sections = [messagesSection, listenerSection, keysSection, transcriptSection, signaturesSection, certificatesSection, storySection, attacksSection].map((make) => make());
document.getElementById("main").replaceChildren(...sections);
document.getElementById("contents").append(el("details", { open: !narrow.matches }, el("summary", {}, "Contents"), el("ul", {}, sections.map((one) => {
  const questions = Array.from(one.querySelectorAll(".question")).filter((item) => !item.closest("details.connection:not([open])"));
  return el("li", {}, el("a", { href: `#${one.id}` }, one.querySelector("h2").textContent),
    questions.length ? el("ul", {}, questions.map((item) => el("li", {}, el("a", { href: `#${item.id}` }, item.querySelector("h3").textContent)))) : null);
}))));
const GLOSSARY = [
  ["TTP", "trusted third party: the authority whose certificates both sides trust"],
  ["octet", "eight bits; a byte"],
  ["code, OTP", "the one-time password that the bank sends its customer"],
  ["ledger", "the bank's memory of its codes, which accepts each once"],
  ["HMAC", "a check value over a text that only who has the key can make (RFC 2104)"],
  ["HKDF", "makes keys of a key, by HMAC (RFC 5869)"],
  ["nonce", "a number that is used once with a key; here from the sequence number"],
  ["tag", "the check value at the end of an encrypted record: one changed bit, and it is wrong"],
  ["ephemeral", "made for one connection, and thrown away"],
  ["X25519MLKEM768", "a key exchange of two: on an elliptic curve, and one that a quantum computer does not break"],
  ["EST", "how a program asks an authority for a certificate (RFC 7030)"],
];
document.getElementById("foot").append(folded("Words", () => facts(GLOSSARY)), el("p", {}, "Made by otls. This page fetches nothing; links to RFCs are followed only when you click on them."));
