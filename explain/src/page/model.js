// The data, and what can be asked of it.

const M = JSON.parse(document.getElementById("trace").textContent);
M.steps.forEach((step, index) => { step.at = index; });

const ON_THE_WIRE = new Set(["message", "data", "unreadable", "folded", "alert", "change_cipher_spec", "record"]);
const isOnTheWire = (step) => ON_THE_WIRE.has(step.kind);
const timeOf = (step) => step.sent ?? step.received ?? step.time ?? null;
const START = M.steps.map(timeOf).find((time) => time !== null) ?? null;

// Whose lane: with the article that a sentence needs.
const NAMES = { ttp: "the TTP", bank: "the bank", customer: "the customer" };
const who = (lane) => {
  if (lane === null || lane === undefined) return "the listener";
  const { name } = M.lanes[lane];
  return NAMES[name] || (/^(client|server)$/.test(name) ? `the ${name}` : name);
};
const Who = (lane) => who(lane).replace(/^./, (first) => first.toUpperCase());
const label = (lane) => ({ ttp: "TTP", bank: "Bank", customer: "Customer" }[M.lanes[lane].name] || M.lanes[lane].name);

const clock = (time) => new Date(time * 1000).toISOString().replace("T", " ").replace("Z", " UTC");
// From the beginning of the page on.
const since = (time) => {
  const ms = (time - START) * 1000;
  if (ms < 0) return `−${(-ms / 1000).toFixed(4)} s`;
  return ms < 1000 ? `+${ms.toFixed(1)} ms` : `+${(ms / 1000).toFixed(4)} s`;
};

// Connections are counted in the order in which they begin.
const NUMBERS = [];
for (const connection of new Set(M.steps.map((step) => step.connection))) if (typeof connection === "number") NUMBERS.push(connection);
const connectionName = (index) => `Connection ${NUMBERS.indexOf(index) + 1}: ${who(M.connections[index].lanes[0])} and ${who(M.connections[index].lanes[1])}`;

const bytes = (hex) => {
  const octets = new Uint8Array(hex.length / 2);
  for (let at = 0; at < octets.length; at += 1) octets[at] = parseInt(hex.slice(2 * at, 2 * at + 2), 16);
  return octets;
};
const hexOfText = (text) => Array.from(new TextEncoder().encode(text), (octet) => octet.toString(16).padStart(2, "0")).join("");

// All fields of a name, in order, wherever they are.
const fieldsOf = (fields, name) => (fields || []).flatMap((field) =>
  [...(field.name === name ? [field] : []), ...fieldsOf(field.fields, name)]);
const valueOf = (fields, name) => fieldsOf(fields, name).map((field) => field.value).find((value) => value) || "";
const plainName = (value) => (value || "").replace(/ \(0x[0-9a-f]+\)$/, "");

const stepsOf = (connection, kind) => M.steps.filter((step) => step.connection === connection && (!kind || step.kind === kind));
const messagesOf = (connection, name) => stepsOf(connection, "message").filter((step) => step.name === name);
const nameOf = (step) => ({ data: "data", unreadable: "a record", folded: "more data", change_cipher_spec: "change_cipher_spec", record: "a record that did not open" }[step.kind] || step.name || step.kind);
const baseSecret = (name) => name.replace(/^(key|iv) of /, "");
const protectedBy = (connection, name) => M.steps.filter((step) => isOnTheWire(step) && step.connection === connection && step.secret === baseSecret(name));

const hasSecrets = M.connections.some((connection) => connection.secrets.some((one) => one.value)) ||
  M.steps.some((step) => (step.kind === "data" && step.octets) || step.code);
const isCapture = M.connections.some((connection) => connection.is_heard);
const CODES = [...new Set(M.steps.filter((step) => step.kind === "story" && typeof step.code === "string" && step.code).map((step) => step.code))];

// A text in which a code may stand: the codes are masked.
const masked = (text) => {
  const found = CODES.map((one) => [text.indexOf(one), one]).filter(([at]) => at >= 0).sort((one, other) => one[0] - other[0])[0];
  if (!found) return [text];
  const [at, one] = found;
  return [text.slice(0, at), secret("the one-time password", () => code(one)), ...masked(text.slice(at + one.length))];
};

// Whether this party drew the code that a step is about.
const isIssuerOf = ({ party, id }) => party !== null && (M.lanes[party].name === "bank" ||
  M.steps.some((one) => one.step === "otp_issued" && one.party === party && one.id === id));

// The data that carried a code: by the code itself, or else the data next to the step of the story.
const carrierOf = (step) => {
  const isSender = step.step === "otp_sent" || (step.step === "otp_returned" && !isIssuerOf(step));
  const near = M.steps.filter((one) => one.kind === "data" && one[isSender ? "from" : "to"] === step.party &&
    (step.connection === null || one.connection === step.connection));
  const issued = M.steps.find((one) => one.step === "otp_issued" && one.id === step.id && one.code);
  const withCode = issued ? near.filter((one) => (one.octets || "").includes(hexOfText(issued.code))) : [];
  const list = withCode.length ? withCode : near;
  return [...list].reverse().find((one) => one.at < step.at) || list.find((one) => one.at > step.at) || null;
};

// The connection that the page is about first: with a code, or else the last one with data.
const MAIN = (() => {
  const carriers = M.steps.filter((step) => step.step === "otp_sent").map(carrierOf).filter(Boolean);
  const data = M.steps.filter((step) => step.kind === "data");
  return (carriers[0] || data[data.length - 1] || {}).connection ?? NUMBERS[NUMBERS.length - 1] ?? 0;
})();
