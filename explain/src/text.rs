//! A trace as lines for a terminal: one for each message, with what is in it and which key did what, and without
//! the value of any secret.

use serde_json::Value;

/// The most names of a list that a line has.
const MAX_NAMES: usize = 4;

/// Tells the events of one or several connections, one after the other.
///
/// ```
/// let mut narrator = otls_explain::Narrator::default();
/// let event = r#"{"event":"state","connection":null,"role":"client","state":"HANDSHAKE_DONE"}"#;
/// assert_eq!(narrator.tell(event).as_deref(), Some("  our side of the handshake is done"));
/// assert_eq!(narrator.tell("no event"), None);
/// ```
#[derive(Debug, Default)]
pub struct Narrator {
    /// What the certificate of the peer has passed so far, and its subject.
    passed: Vec<String>,
    subject: String,
}

impl Narrator {
    /// The line of an event; none of one that has nothing to say by itself, and of what is no event.
    pub fn tell(&mut self, line: &str) -> Option<String> {
        let event: Value = serde_json::from_str(line).ok()?;
        match text(&event, "event") {
            "message" => Some(message(&event)),
            "data" => Some(data(&event)),
            "unreadable" => Some(format!(
                "{} {} octets{}: the key is not known",
                arrow(&event),
                number(&event, "length"),
                protection(&event)
            )),
            "folded" => Some(format!(
                "{} {} more records of data, {} octets",
                arrow(&event),
                number(&event, "records"),
                number(&event, "length")
            )),
            "alert" => {
                let name = text(&event, "name");
                let meaning = match name {
                    "close_notify" => "this side sends nothing more",
                    "user_canceled" => "the handshake is given up",
                    _ => "the connection has failed",
                };
                Some(format!("{} alert {name}{}: {meaning}", arrow(&event), protection(&event)))
            }
            "agreed" => Some(agreed(&event)),
            "check" => self.check(&event),
            "signature" => Some(self.signature(&event)),
            "state" => state(text(&event, "state")).map(|what| format!("  {what}")),
            "error" => Some(format!("! {} ({})", text(&event, "text"), text(&event, "hint"))),
            "story" => Some(format!("* {}", text(&event, "text"))),
            _ => None,
        }
    }

    fn check(&mut self, event: &Value) -> Option<String> {
        let (check, reason) = (text(event, "check"), text(event, "reason"));
        match text(event, "result") {
            "failed" => Some(format!("! {check}: {} {reason}", text(event, "subject")).replace("  ", " ")),
            "passed" if text(event, "of") == "certificate" => {
                if number(event, "depth") == 0 {
                    text(event, "subject").clone_into(&mut self.subject);
                    self.passed.push(check.to_owned());
                }
                None
            }
            "passed" => Some(format!("  {check} is right: nobody has changed what was said before it")),
            _ => None,
        }
    }

    fn signature(&mut self, event: &Value) -> String {
        let (scheme, key) = (text(event, "scheme"), text(event, "key"));
        match text(event, "result") {
            "made" => format!("  we sign the handshake with our private key ({key}, {scheme})"),
            "passed" if self.passed.is_empty() => {
                let signer = text(event, "signer");
                format!(
                    "  the key of {signer} signed this handshake ({scheme}); who vouches for it was not judged"
                )
            }
            "passed" => {
                let checks = core::mem::take(&mut self.passed).join(", ");
                format!(
                    "  {} is who it says: its certificate passed {checks}; its key signed this handshake ({scheme})",
                    self.subject
                )
            }
            _ => format!("! the peer's signature over the handshake is wrong ({scheme})"),
        }
    }
}

fn message(event: &Value) -> String {
    let name = text(event, "name");
    let fields = event["fields"].as_array().map(Vec::as_slice).unwrap_or_default();
    let detail = match name {
        "ClientHello" => {
            let mut parts = Vec::new();
            if let Some(host) = values(fields, "host_name").first() {
                parts.push(format!("asks for {host}"));
            }
            parts.push(format!("suites {}", listed(&values(fields, "cipher_suite"))));
            parts.push(format!("key shares of {}", listed(&values(fields, "group"))));
            if !values(fields, "obfuscated_ticket_age").is_empty() {
                parts.push("offers to resume a session".to_owned());
            }
            parts.join("; ")
        }
        "ServerHello" => {
            let share = listed(&values(fields, "group"));
            format!("chooses {}; key share of {share}", listed(&values(fields, "cipher_suite")))
        }
        "HelloRetryRequest" => {
            format!("asks for a key share of {}", listed(&values(fields, "selected_group")))
        }
        "CertificateRequest" => match listed(&values(fields, "distinguished_name")).as_str() {
            "" => "asks who we are".to_owned(),
            authorities => format!("asks for a certificate of {authorities}"),
        },
        "Certificate" => match values(fields, "Certificate").as_slice() {
            [] => "no certificate".to_owned(),
            chain => chain.join("; "),
        },
        "CertificateVerify" => format!("a signature, {}", listed(&values(fields, "algorithm"))),
        "Finished" => "an HMAC over all messages so far".to_owned(),
        "NewSessionTicket" => match values(fields, "ticket_lifetime").first().map_or("", String::as_str) {
            "0 s" => "no session to resume, it says that we are accepted".to_owned(),
            lifetime => format!("a session to resume within {lifetime}"),
        },
        "KeyUpdate" => {
            format!("a new key from the next record on, {}", listed(&values(fields, "request_update")))
        }
        _ => String::new(),
    };
    let colon = if detail.is_empty() { "" } else { ": " };
    format!("{} {name}, {} octets{}{colon}{detail}", arrow(event), number(event, "length"), protection(event))
}

fn data(event: &Value) -> String {
    format!("{} data, {} octets{}", arrow(event), number(event, "length"), protection(event))
}

fn agreed(event: &Value) -> String {
    let code = number(event, "suite_code");
    let private = if event["suite_is_private"] == true {
        "; a private suite: Wireshark cannot read it, AES-GCM or CHACHA20 with SHA256 can be"
    } else {
        ""
    };
    let how = if event["resumed"] == true { ", resuming a session" } else { "" };
    let (suite, group) = (text(event, "suite"), text(event, "group"));
    format!("  agreed: {suite} (0x{code:04x}), keys by {group}{how}{private}")
}

fn state(name: &str) -> Option<&'static str> {
    match name {
        "NEED_CONFIG" => Some("the client's offer is here: the server chooses"),
        "NEED_CLIENT_CERT" => Some("the server is verified and asks for a certificate"),
        "HANDSHAKE_DONE" => Some("our side of the handshake is done"),
        "CONFIRMED" => Some("both sides are done: the server has accepted the client"),
        _ => None,
    }
}

/// Which way it went.
fn arrow(event: &Value) -> &'static str {
    if text(event, "direction") == "sent" { "→" } else { "←" }
}

/// Which key protects it.
fn protection(event: &Value) -> String {
    match event["secret"].as_str() {
        Some(secret) => format!(", encrypted by {secret}"),
        None => ", not encrypted".to_owned(),
    }
}

fn text<'a>(event: &'a Value, name: &str) -> &'a str {
    event[name].as_str().unwrap_or_default()
}

fn number(event: &Value, name: &str) -> u64 {
    event[name].as_u64().unwrap_or_default()
}

/// The values of all fields of this name, wherever they lie, without their numbers.
fn values(fields: &[Value], name: &str) -> Vec<String> {
    let mut found = Vec::new();
    collect(fields, name, &mut found);
    found
}

fn collect(fields: &[Value], name: &str, found: &mut Vec<String>) {
    for field in fields {
        if field["name"] == name {
            let value = field["value"].as_str().unwrap_or_default();
            found.push(match value.split_once(" (") {
                Some(("unknown", code)) => code.trim_end_matches(')').to_owned(),
                Some((name, code)) if code.starts_with("0x") => name.to_owned(),
                Some(_) | None => value.to_owned(),
            });
        }
        collect(field["fields"].as_array().map(Vec::as_slice).unwrap_or_default(), name, found);
    }
}

fn listed(names: &[String]) -> String {
    let mut list = names.iter().take(MAX_NAMES).cloned().collect::<Vec<_>>().join(", ");
    if let Some(more @ 1..) = names.len().checked_sub(MAX_NAMES) {
        list.push_str(&format!(" and {more} more"));
    }
    list
}
