// What the programs did: questions, certificates, the life of a one-time password.

const storyFacts = (step, isFirst = true) => facts([
  ["When", timeOf(step) !== null ? clock(timeOf(step)) : null],
  ["What", masked(step.text || "")],
  ["Question", step.question], ["Answer", step.answer],
  ["Subject", step.subject], ["Serial number", step.serial ? code(String(step.serial)) : null],
  ["Key", step.key && typeof step.key === "string" ? step.key : null],
  ["Code", step.step === "otp_issued" ? (step.code ? secret("the one-time password", () => code(step.code)) : "not in this trace: it has no secrets") : null],
  ["Number of the code", isFirst && step.id && typeof step.id === "string" ? code(step.id) : null],
  ["Payment", isFirst ? transactionOf(step) : null],
  ["Bound to", step.bound_to], ["Expires", typeof step.expires === "number" ? clock(step.expires) : step.expires],
  ["Reason", step.reason], ["Tries left", step.attempts_left === undefined || step.attempts_left === null ? null : String(step.attempts_left)],
  ["Signer", step.signer], ["Decision", step.decision], ["File", step.file],
]);

const questionList = (steps) => facts(steps.map((step) => [`${Who(step.party)}: ${step.question || step.text || ""}`, step.answer === undefined || step.answer === "" ? "(nothing)" : String(step.answer)]));

const transactionOf = ({ transaction }) => {
  if (!transaction) return null;
  if (typeof transaction !== "object") return String(transaction);
  return Object.entries(transaction).map(([name, value]) => `${name}: ${typeof value === "object" ? JSON.stringify(value) : value}`).join("; ");
};

const storyWords = (step) => (/^otp_(accepted|refused)$/.test(step.step) && !isIssuerOf(step)
  ? { says: ["The bank says what its ledger decided."] } : STORY[step.step] || STORY.other);

const life = (steps) => el("ol", { class: "life" }, steps.map((step, at) => el("li", { class: step.step === "otp_refused" ? "bad" : "" },
  el("p", { class: "life-name" }, button(`${step.party === null ? "Listener" : label(step.party)} ${storyName(step)}`, () => showStep(step.at)), timeOf(step) !== null && START !== null ? el("span", { class: "time" }, since(timeOf(step))) : null),
  says(storyWords(step)), storyFacts(step, at === 0))));

const storySection = () => {
  const story = M.steps.filter((step) => step.kind === "story");
  const of = (pattern) => story.filter((step) => pattern.test(step.step || ""));
  const otp = of(/^otp_|^receipt$/);
  const refused = of(/^otp_refused$/);
  const accepted = of(/^otp_accepted$/);
  const receipts = of(/^receipt$/);
  const issued = of(/^otp_issued$/);
  const numbers = [...new Set(otp.map((step) => step.id).filter(Boolean))];
  const second = refused.filter((step) => accepted.some((one) => one.id === step.id && one.at < step.at));
  const other = of(/^certificate_/);
  const questions = of(/^question$/);
  return section("otp", "The life of the one-time password",
    otp.length ? (numbers.length > 1 ? numbers.map((id, at) => folded(`Code ${at + 1}`, () => life(otp.filter((step) => step.id === id)), at === 0 ? { open: true } : {})) : life(otp))
      : notThere("The trace tells of no one-time password."),
    question("other-payment", "Why can the code not be used for another payment?",
      issued.length ? el("ul", {}, issued.map((step) => el("li", {}, `The code was drawn for ${step.bound_to || "one customer"}`, step.transaction ? ` and for this payment: ${transactionOf(step)}.` : "."))) : null,
      el("p", {}, "The ledger does not keep the code: it keeps an HMAC over the code, the customer and the payment, field by field. The same code with another amount or payee gives another HMAC, and counts as a wrong code."),
      attackBox("other-payment")),
    question("second-try", "What happened at the second try?",
      second.length ? el("ul", {}, second.map((step) => el("li", {}, `${Who(step.party)} refused it: ${step.reason || step.text || ""}. `, button("this step", () => showStep(step.at)))))
        : notThere("The trace tells of no second try of a code that was accepted. It would be refused: the ledger marks a code as used in the same step in which it accepts it."),
      attackBox("wrong-codes")),
    question("proof", "What proves the payment afterwards?",
      receipts.length ? receipts.map((step) => el("div", {}, el("p", {}, `The receipt: ${step.signer || "the customer"} signed "${step.decision || "a decision"}".`), storyFacts(step)))
        : notThere("The trace tells of no receipt."),
      el("p", {}, "A receipt is signed with the key of the customer's certificate, over the payment, the decision, the time and a value that only this connection has. Who has the authority's certificate can check it without the bank: ", el("code", {}, "otls receipt verify"), ".")),
    other.length ? question("enrolment", "How did they get their certificates?", life(other)) : null,
    questions.length ? question("asked", "What was the operator asked?", folded(plural(questions.length, "question"), () => questionList(questions)),
      questions.some((step) => /key exchange/.test(step.question || "")) ? el("p", {}, "The question has its name from older versions: in TLS 1.3 the answer ECDSA or RSA decides with which keys both sides sign, and the key exchange is the group that was agreed on.") : null) : null);
};

const attacksSection = () => section("attacks", "What if an attacker …",
  el("p", {}, "Each has a place above where it belongs, and a run in the lab that shows how the attack fails."),
  el("div", { class: "attacks" }, Object.keys(ATTACKS).map(attackBox)));
