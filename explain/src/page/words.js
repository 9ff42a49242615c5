// What each message and key is, in two sentences and the section that defines it.

const MESSAGES = {
  ClientHello: {
    says: ["The client opens the connection: it says which versions, cipher suites and groups it can use, and sends its half of a key exchange.",
      "It is not encrypted, because there is no key yet; but it is part of the transcript, so that a change on the way does not stay unnoticed."],
    rfc: "RFC 8446 §4.1.2", attacks: ["downgrade", "flip-handshake"] },
  HelloRetryRequest: {
    says: ["The server can use none of the key shares that came, and names the group that it wants one of.",
      "The client asks again with such a share, and a hash of its first hello stays in the transcript, so this detour cannot be made up by somebody else."],
    rfc: "RFC 8446 §4.1.4", attacks: ["downgrade"] },
  ServerHello: {
    says: ["The server chooses version, cipher suite and group, and sends its half of the key exchange.",
      "Now both sides, and nobody who only listens, can compute the same keys: what follows is encrypted."],
    rfc: "RFC 8446 §4.1.3", attacks: ["eavesdropper", "downgrade", "forward-secrecy"] },
  EncryptedExtensions: {
    says: ["The server answers those extensions that are not needed to compute the keys.",
      "It is the first message that is encrypted."],
    rfc: "RFC 8446 §4.3.1", attacks: [] },
  CertificateRequest: {
    says: ["The server asks the client for a certificate, and says which signature schemes and which authorities it accepts.",
      "Without it only the server would prove who it is."],
    rfc: "RFC 8446 §4.3.2", attacks: [] },
  Certificate: {
    says: ["The sender shows its certificate, and those of the issuers between it and the authority that the other side trusts.",
      "A certificate is no secret and anybody can send a copy: that the sender has its private key is proved by the next message, CertificateVerify."],
    rfc: "RFC 8446 §4.4.2", attacks: ["swap-certificates", "other-ca"] },
  EmptyCertificate: {
    says: ["The client was asked for a certificate, and has none: it says so with an empty list.",
      "No CertificateVerify follows, since there is no key to prove. Whether it may go on without is for the server to decide."],
    rfc: "RFC 8446 §4.4.2", attacks: [] },
  CertificateVerify: {
    says: ["The sender signs a hash of all messages so far with the private key of its certificate.",
      "That proves that it has the key, now and for this connection: another connection has other messages, for which the signature is wrong."],
    rfc: "RFC 8446 §4.4.3", attacks: ["swap-certificates", "replay-handshake"] },
  Finished: {
    says: ["An HMAC over a hash of all messages so far, with a key that only the two sides can compute.",
      "Had the two sides seen different messages, they would have different keys, and this record would not even open; that the value in it is right proves at last that both have seen the same."],
    rfc: "RFC 8446 §4.4.4", attacks: ["flip-handshake"] },
  NewSessionTicket: {
    says: ["The server gives the client a ticket, with which a later connection can be resumed without sending certificates again.",
      "An otls server sends it only after it has judged the client's certificate, so it also tells the client that it was accepted; with a lifetime of 0 it says that alone."],
    rfc: "RFC 8446 §4.6.1", attacks: [] },
  KeyUpdate: {
    says: ["The sender goes over to new keys, which are computed from the old ones, and the old ones are thrown away.",
      "Who steals the new keys cannot compute the old ones from them."],
    rfc: "RFC 8446 §4.6.3", attacks: ["forward-secrecy"] },
  close_notify: {
    says: ["The sender has nothing more to send.",
      "It is authenticated like data, so that an attacker who cuts the connection cannot make it look like a proper end."],
    rfc: "RFC 8446 §6.1", attacks: ["truncate"] },
  alert: {
    says: ["The sender ends the connection and says why.",
      "Nothing that comes after it is accepted."],
    rfc: "RFC 8446 §6.2", attacks: [] },
  change_cipher_spec: {
    says: ["A dummy of one octet, for devices on the way that expect what TLS 1.2 sent here.",
      "It has no meaning in TLS 1.3, and is no part of the transcript."],
    rfc: "RFC 8446 §D.4", attacks: [] },
  data: {
    says: ["What the two programs say to each other, in a record that is encrypted and authenticated.",
      "Who listens sees when it was sent and how long it is, and nothing else."],
    rfc: "RFC 8446 §5.2", attacks: ["eavesdropper", "flip", "replay", "drop", "reorder"] },
  folded: {
    says: ["More records with data, which the trace counts without showing what is in them.",
      "Each was encrypted under a sequence number of its own."],
    rfc: "RFC 8446 §5.2", attacks: [] },
  record: {
    says: ["A record of which nothing came out: it did not open, or what it began was not completed.",
      "A record that does not open ends the connection, and its receiver takes nothing from it."],
    rfc: "RFC 8446 §5.2", attacks: ["flip", "replay", "reorder"] },
  unreadable: {
    says: ["A record whose key is not known: the key log that came with the capture has none for it.",
      "So it is shown as a listener sees it."],
    rfc: "RFC 9850 §2", attacks: ["eavesdropper"] },
  other: {
    says: ["A message of the handshake that this page has no words for.", "Its fields are shown as far as they are understood."],
    rfc: "RFC 8446 §4", attacks: [] },
};

const INSIDE = {
  secrets: {
    says: ["Each side computes these secrets by itself, from what came before: they are never sent.",
      "Two sides that saw the same messages get the same values; for everybody else they are random."],
    rfc: "RFC 8446 §7.1", attacks: ["eavesdropper"] },
  keys: {
    says: ["From here on, other keys protect what goes in this direction, and the sequence number begins at 0 again.",
      "Each direction has keys of its own, so that a record cannot be sent back to its sender."],
    rfc: "RFC 8446 §7.3", attacks: [] },
  certificate: {
    says: ["The certificates that came are checked, one by one up to an authority that is trusted beforehand.",
      "One check that fails ends the connection, and no data is accepted."],
    rfc: "RFC 5280 §6.1", attacks: ["other-ca", "swap-certificates"] },
  transcript: {
    says: ["The value that came is compared with the one computed from what this side sent and received.",
      "They are equal only if both sides have the same keys and have seen the same messages."],
    rfc: "RFC 8446 §4.4.4", attacks: ["flip-handshake"] },
  signature: {
    says: ["A signature over the hash of all messages so far is made with a private key, or checked with the public key of the certificate.",
      "The private key does not leave its owner, and is in no trace."],
    rfc: "RFC 8446 §4.4.3", attacks: ["swap-certificates"] },
  agreed: {
    says: ["This is what the two sides agreed on.", "The server chose it from what the client offered."],
    rfc: "RFC 8446 §4.1.1", attacks: ["downgrade"] },
  state: {
    says: ["The connection has reached this state.", "NEED_CONFIG: the server has read the ClientHello, and its operator may choose by what was offered. NEED_CLIENT_CERT: the server is verified, and the client may get a certificate now. HANDSHAKE_DONE: data can be sent. CONFIRMED: the other side has accepted our certificate as well."],
    rfc: "RFC 8446 §2", attacks: [] },
  error: {
    says: ["The connection has failed, and stays so.", "What came after it was not looked at."],
    rfc: "RFC 8446 §6.2", attacks: [] },
};

const STORY = {
  connection: { says: [] },
  gap: { says: ["Octets are missing in the capture.", "What comes after them in this direction cannot be read."] },
  question: { says: ["The program asked its operator.", "Nothing of this goes over the network by itself."] },
  certificate_requested: { says: ["A key pair was made, and a certificate for the public key is asked for; the request is signed with the private key, to prove that it is there.",
    "The private key stays where it was made."], rfc: "RFC 7030 §4.2" },
  certificate_issued: { says: ["The authority signed a certificate: this key belongs to this name, until this date.",
    "Whoever trusts the authority can check it without asking the authority again."], rfc: "RFC 5280 §4.1" },
  otp_issued: { says: ["The bank drew a random code for one payment and one customer, and keeps only an HMAC of code, customer and payment in its ledger.",
    "The same code for another payment or another customer gives another HMAC, and is refused."], rfc: "docs/PROTOCOL.md, Ledger", attacks: ["other-payment"] },
  otp_sent: { says: ["The bank sent the code over the connection, together with what it is for.",
    "The message is bound to this connection and to both certificates: on another connection it is refused."], rfc: "docs/PROTOCOL.md, Binding", attacks: ["eavesdropper", "flip"] },
  otp_shown: { says: ["The customer's program put the text together anew from the payment's fields, compared it with the one that came, and showed it.",
    "So the customer reads what the code is really bound to."], rfc: "docs/PROTOCOL.md, Context", attacks: ["other-payment"] },
  otp_returned: { says: ["The customer sent the code back over the same connection.",
    "The bank takes it only there."], rfc: "docs/PROTOCOL.md, Binding", attacks: [] },
  otp_accepted: { says: ["The ledger found the code right, for this customer and this payment, and marked it as used in the same step.",
    "From now on it is refused."], rfc: "docs/PROTOCOL.md, Ledger", attacks: ["wrong-codes"] },
  otp_refused: { says: ["The ledger refused the code, and says why.", "A wrong code costs one of a few tries; a used one is refused however often it comes."],
    rfc: "docs/PROTOCOL.md, Ledger", attacks: ["wrong-codes", "other-payment"] },
  receipt: { says: ["The customer signed what was approved or declined, with the key of the certificate.",
    "The bank keeps it: it can be checked years later, without the bank's ledger and without the code."], rfc: "docs/PROTOCOL.md, Receipt", attacks: [] },
  other: { says: [] },
};

const side = (name) => (name.startsWith("client") ? "client" : "server");
// Name, what it is for, what becomes of it, section.
const SECRETS = [
  [/^psk$/, () => ["The secret of the session that is resumed, which both sides kept.", "A client uses a session once.", "RFC 8446 §2.2"]],
  [/^early_secret$/, () => ["The first stage of the key schedule: it takes in the secret of a resumed session, or zeros where there is none.", "Thrown away when the next stage is computed.", "RFC 8446 §7.1"]],
  [/^binder_key$/, () => ["Proves in the ClientHello that the client has the secret of the session.", "Thrown away at once.", "RFC 8446 §4.2.11.2"]],
  [/^shared_secret$/, () => ["The result of the key exchange: each side computes it from its own private half and the other's public one. A listener has the two public halves, and cannot.", "Thrown away as soon as handshake_secret is computed, with the private halves: nobody can compute it again, not even the two sides.", "RFC 8446 §7.4"]],
  [/^salt of /, (name) => [`Carries the stage before into ${name.slice(8)}.`, "Thrown away at once.", "RFC 8446 §7.1"]],
  [/^handshake_secret$/, () => ["The second stage: it takes in the result of the key exchange.", "Thrown away when the next stage is computed.", "RFC 8446 §7.1"]],
  [/^(client|server)_handshake_traffic_secret$/, (name) => [`Protects what the ${side(name)} sends during the handshake, after the hellos.`, "Thrown away when the handshake ends: the data has other keys, so that neither opens what belongs to the other.", "RFC 8446 §7.1"]],
  [/^(client|server)_finished_key$/, (name) => [`The key of the HMAC in the Finished of the ${side(name)}.`, "Thrown away when the handshake ends: it is used once.", "RFC 8446 §4.4.4"]],
  [/^master_secret$/, () => ["The third stage, from which the keys for data come.", "Thrown away when the secrets below it are computed.", "RFC 8446 §7.1"]],
  [/^(client|server)_application_traffic_secret_0$/, (name) => [`Protects the data that the ${side(name)} sends.`, "Thrown away at the next KeyUpdate, or when the connection ends: a recorded connection can then not be opened any more.", "RFC 8446 §7.1"]],
  [/^(client|server)_application_traffic_secret_\d+$/, (name) => [`Protects the data that the ${side(name)} sends after a KeyUpdate.`, "Thrown away at the next KeyUpdate, or when the connection ends.", "RFC 8446 §7.2"]],
  [/^exporter_master_secret$/, () => ["For values that only this connection has: one-time passwords and receipts are bound to the connection with it.", "Thrown away when the connection ends.", "RFC 8446 §7.5"]],
  [/^resumption_master_secret$/, () => ["The secrets of sessions that tickets resume come from it.", "Thrown away when the connection ends.", "RFC 8446 §4.6.1"]],
  [/^key of /, (name) => [`The key of the cipher for records under ${name.slice(7)}.`, "Thrown away together with it.", "RFC 8446 §7.3"]],
  [/^iv of /, (name) => [`Gives each record under ${name.slice(6)} its nonce: it is combined by XOR with the sequence number.`, "Thrown away together with it.", "RFC 8446 §5.3"]],
];
const secretWords = (name) => {
  const found = SECRETS.find(([pattern]) => pattern.test(name));
  return found ? found[1](name) : ["A secret that this page has no words for.", "", "RFC 8446 §7.1"];
};

const CHECKS = {
  presence: "a certificate came at all",
  format: "it is a certificate, well formed",
  signature: "its issuer's key has signed it",
  issuer: "an authority that is trusted stands at the end",
  notBefore: "it is valid already",
  notAfter: "it is valid still",
  name: "it is for the name that was asked for",
  keyUsage: "its key may be used for this",
  extendedKeyUsage: "it is for this role",
  basicConstraints: "an authority is one, and nobody else",
  pathLength: "the chain is no longer than allowed",
  nameConstraints: "the authority may vouch for this name",
  revocation: "it was not withdrawn",
  key: "the key is strong enough, of a kind that is taken",
  budget: "the check took no more work than is granted",
};
