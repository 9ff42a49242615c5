//! The server's half.

use core::time::Duration;
use std::sync::Arc;

use base64ct::{Base64, Encoding};
use zeroize::Zeroizing;

use super::Register;
use super::http::{CONTINUE, HttpReader, RequestHead, one_line, reply};
use super::register::Order;
use crate::crypto::Random;
use crate::error::{CertificateError, Error, Result};
use crate::pki::{Authority, Certificate, CertificateRequest, Profile, Validity, pkcs7};
use crate::time::UnixTime;

/// Answers one client's HTTP requests: cacerts and simpleenroll, both under `/.well-known/est/` and
/// with the label `server` or `client` (`/.well-known/est/server/simpleenroll`), which names the
/// profile.
///
/// ```no_run
/// use otls::crypto::SystemRandom;
/// use otls::est::{EstServer, Register};
/// use otls::pki::Profile;
///
/// # fn serve(authority: std::sync::Arc<otls::pki::Authority>, register: &mut Register,
/// #     decrypted: &[u8], now: otls::UnixTime) -> otls::Result<()> {
/// let mut responder = EstServer::new(authority, Profile::Client, core::time::Duration::from_secs(7 * 86_400));
/// let responses = responder.feed(decrypted, register, now, &SystemRandom)?;
/// // Write register.to_text() to its file, then seal the responses.
/// for exchange in responder.take_exchanges() {
///     eprintln!("{} {} {}", exchange.status, exchange.request, exchange.outcome);
/// }
/// # Ok(())
/// # }
/// ```
pub struct EstServer {
    authority: Arc<Authority>,
    default_profile: Profile,
    lifetime: Duration,
    tokens: NeedToken,
    peer: Option<Certificate>,
    reader: HttpReader<RequestHead>,
    sent_continue: bool,
    is_done: bool,
    answered: usize,
    exchanges: Vec<Exchange>,
}

crate::shown::shown!(EstServer);

/// One request that was answered, for the operator's log. It has no secrets, and its texts are single
/// lines without control characters. See [`EstServer`] for an example.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Exchange {
    /// The method and path, for example `POST /.well-known/est/server/simpleenroll`; empty if the
    /// request could not be read.
    pub request: String,
    /// The HTTP status.
    pub status: u16,
    /// Why it was refused, or the name in the certificate that was issued.
    pub outcome: String,
}

impl EstServer {
    /// A responder for one connection. Certificates are issued for so long.
    ///
    /// Anybody gets a client's certificate for names that nobody has. One that a server can use takes a
    /// token of [`Register::new_token`], which the client sends as the password of HTTP's Basic
    /// authentication with any user name (RFC 7030 §3.2.3), or a certificate of the same profile for the
    /// same names that is in force ([`EstServer::with_peer`]).
    pub fn new(authority: Arc<Authority>, default_profile: Profile, lifetime: Duration) -> Self {
        Self {
            authority,
            default_profile,
            lifetime,
            tokens: NeedToken::Servers,
            peer: None,
            reader: HttpReader::new(),
            sent_continue: false,
            is_done: false,
            answered: 0,
            exchanges: Vec::new(),
        }
    }

    /// Clients need a token, or a certificate in force, as well. Each token is good for one certificate.
    #[must_use]
    pub fn with_required_token(mut self) -> Self {
        self.tokens = NeedToken::Everybody;
        self
    }

    /// Anybody gets a server's certificate too, for names that nobody has: only where nobody reaches this
    /// but the machine itself. `localhost` and loopback addresses then belong to their first key, as
    /// other names do, because who connects to them has nothing else to tell one server from another.
    #[must_use]
    pub fn with_open_servers(mut self) -> Self {
        self.tokens = NeedToken::Nobody;
        self
    }

    /// The client has authenticated with this certificate ([`crate::Connection::peer`]): it may have a
    /// new one for another key: the names go over to it, and the certificates that had them are revoked as
    /// superseded (RFC 7030 §4.2.2).
    #[must_use]
    pub fn with_peer(mut self, peer: &Certificate) -> Self {
        self.peer = Some(peer.clone());
        self
    }

    /// Takes decrypted bytes; returns the whole responses to the requests that are complete. A
    /// certificate that was issued is in `register` before the response is returned: keep the
    /// register before you send.
    ///
    /// A connection ends with the certificate that was issued on it, or with its sixth request: so many
    /// proofs of possession are checked for a stranger.
    ///
    /// Bytes that are not HTTP are answered with a status of their own, after which
    /// [`EstServer::is_done`] is true and further bytes are ignored.
    ///
    /// # Errors
    /// [`crate::Error::Random`], [`crate::Error::Internal`]: close the connection, and keep the
    /// register, for earlier requests may have been granted.
    pub fn feed(
        &mut self,
        bytes: &[u8],
        register: &mut Register,
        now: UnixTime,
        random: &dyn Random,
    ) -> Result<Vec<u8>> {
        let mut out = Vec::new();
        if self.is_done {
            return Ok(out);
        }
        self.reader.feed(bytes);
        while !self.is_done {
            let (head, answer) = match self.reader.next() {
                Ok(None) => break,
                Ok(Some((head, body))) => {
                    self.sent_continue = false;
                    self.answered = self.answered.saturating_add(1);
                    let answer = self.answer((&head, &body), register, now, random)?;
                    // One operation of the authority's key for each connection.
                    let issued = answer.certificates.is_some() && head.method == "POST";
                    self.is_done = head.close || issued || self.answered >= MAX_REQUESTS;
                    (Some(head), answer)
                }
                Err(refusal) => {
                    // What follows cannot be told apart from what was refused.
                    self.is_done = true;
                    (None, Answer::refused(refusal.status, refusal.why.to_owned()))
                }
            };
            self.write(head.as_ref(), answer, &mut out);
        }
        if self.reader.waiting_for_body().is_some_and(|head| head.expects_continue) && !self.sent_continue {
            self.sent_continue = true;
            out.extend_from_slice(CONTINUE);
        }
        Ok(out)
    }

    /// Whether the last response ends the connection: send it, then close.
    pub fn is_done(&self) -> bool {
        self.is_done
    }

    /// What was answered since the last call, oldest first.
    pub fn take_exchanges(&mut self) -> Vec<Exchange> {
        core::mem::take(&mut self.exchanges)
    }

    fn write(&mut self, head: Option<&RequestHead>, answer: Answer, out: &mut Vec<u8>) {
        let mut fields = Vec::new();
        fields.extend(answer.field);
        if self.is_done {
            fields.push("Connection: close");
        }
        let request = head.map(|head| format!("{} {}", head.method, head.path)).unwrap_or_default();
        self.exchanges.push(Exchange {
            request: one_line(&request),
            status: answer.status,
            outcome: one_line(&answer.outcome),
        });
        let (content_type, body) = match answer.certificates {
            Some(base64) => (answer.content_type, base64),
            None => ("text/plain; charset=utf-8", one_line(&answer.outcome) + "\n"),
        };
        let is_head = head.is_some_and(|head| head.method == "HEAD");
        out.extend(reply(answer.status, content_type, &fields, body.as_bytes(), is_head));
    }

    fn answer(
        &self,
        (head, body): (&RequestHead, &[u8]),
        register: &mut Register,
        now: UnixTime,
        random: &dyn Random,
    ) -> Result<Answer> {
        let Some((operation, profile)) = self.route(&head.path) else {
            return Ok(Answer::refused(404, "no such resource".to_owned()));
        };
        match (operation, head.method.as_str()) {
            (Operation::CaCerts, "GET") => {
                let outcome = "the authority's certificate".to_owned();
                Answer::certificates(self.authority.certificate(), "application/pkcs7-mime", outcome)
            }
            (Operation::SimpleEnroll, "POST") => {
                match self.enrol((head, body), profile, register, now, random)? {
                    Ok((certificate, left_out)) => {
                        let mut outcome = format!("issued to {}", certificate.subject());
                        if !left_out.is_empty() {
                            outcome += &format!(", without what it also asked for: {}", left_out.join(", "));
                        }
                        Answer::certificates(
                            &certificate,
                            "application/pkcs7-mime; smime-type=certs-only",
                            outcome,
                        )
                    }
                    Err(refused) => Ok(refused),
                }
            }
            (Operation::CaCerts, _) => Ok(Answer::with_field(405, "only GET here", "Allow: GET")),
            (Operation::SimpleEnroll, _) => Ok(Answer::with_field(405, "only POST here", "Allow: POST")),
        }
    }

    /// RFC 7030 §3.2.2: an operation, perhaps behind a label.
    fn route(&self, path: &str) -> Option<(Operation, Profile)> {
        let path = path.strip_prefix("/.well-known/est/")?;
        let (profile, operation) = match path.split_once('/') {
            None => (self.default_profile, path),
            Some(("server", operation)) => (Profile::Server, operation),
            Some(("client", operation)) => (Profile::Client, operation),
            Some(_) => return None,
        };
        match operation {
            "cacerts" => Some((Operation::CaCerts, profile)),
            "simpleenroll" => Some((Operation::SimpleEnroll, profile)),
            _ => None,
        }
    }

    /// The outer result is a failure of our own side, the inner one what the client is told.
    fn enrol(
        &self,
        (head, body): (&RequestHead, &[u8]),
        profile: Profile,
        register: &mut Register,
        now: UnixTime,
        random: &dyn Random,
    ) -> Result<Result<(Certificate, Vec<String>), Answer>> {
        let needs_token = match (self.tokens, profile) {
            (NeedToken::Everybody, _) => true,
            (NeedToken::Servers, profile) => profile != Profile::Client,
            (NeedToken::Nobody, _) => false,
        };
        let token = password(head);
        let has_token = match &token {
            Some(token) => register.has_token(token)?,
            None => false,
        };
        // Who has neither is not listened to any further.
        if needs_token && !has_token && self.peer.is_none() {
            return Ok(Err(Answer::no_token()));
        }
        if !head.has_content_type("application/pkcs10") {
            return Ok(Err(Answer::refused(415, "the Content-Type must be application/pkcs10".to_owned())));
        }
        let request = match read_request(body) {
            Ok(request) => request,
            Err(why) => return Ok(Err(Answer::refused(400, why))),
        };
        // Before it is folded: what is acceptable is short.
        if let Err(error) = request.subject().check() {
            return Ok(Err(Answer::refused(400, error.to_string())));
        }
        let holder = self.peer.as_ref();
        let needs_token =
            needs_token && !holder.is_some_and(|holder| register.renews(holder, &request, profile, now));
        let token = token.filter(|_| needs_token);
        if needs_token {
            let judged = match &token {
                Some(token) => register.token_fault(token, &request, profile)?,
                None => None,
            };
            match judged {
                Some(Ok(())) => {}
                Some(Err(fault)) => return Ok(Err(Answer::refused(403, fault))),
                None => return Ok(Err(Answer::no_token())),
            }
        }
        let order = Order {
            authority: &self.authority,
            request: &request,
            profile,
            validity: Validity::new(now, self.lifetime),
            holder,
            holds_loopback: self.tokens == NeedToken::Nobody,
        };
        match register.fulfil(&order, random) {
            Ok(certificate) => {
                if let Some(token) = token {
                    register.spend_token(&token)?;
                }
                let left_out = request.left_out_of(&certificate);
                Ok(Ok((certificate, left_out)))
            }
            Err(error @ (Error::Random | Error::Internal(_))) => Err(error),
            Err(
                error @ Error::Certificate(CertificateError::NameTaken(_) | CertificateError::Refused(_)),
            ) => Ok(Err(Answer::refused(403, error.to_string()))),
            Err(error) => Ok(Err(Answer::refused(400, error.to_string()))),
        }
    }
}

/// Who needs a token, or a certificate in force.
#[derive(Clone, Copy, PartialEq, Eq)]
enum NeedToken {
    Servers,
    Everybody,
    Nobody,
}

#[derive(Clone, Copy)]
enum Operation {
    CaCerts,
    SimpleEnroll,
}

struct Answer {
    status: u16,
    content_type: &'static str,
    field: Option<&'static str>,
    /// The base64 body; without it the outcome is the body.
    certificates: Option<String>,
    outcome: String,
}

impl Answer {
    fn refused(status: u16, why: String) -> Self {
        Self { status, content_type: "", field: None, certificates: None, outcome: why }
    }

    fn with_field(status: u16, why: &str, field: &'static str) -> Self {
        Self { field: Some(field), ..Self::refused(status, why.to_owned()) }
    }

    fn no_token() -> Self {
        Self::with_field(
            401,
            "an unused enrolment token is needed, or a certificate in force for the same names",
            "WWW-Authenticate: Basic realm=\"enrolment\"",
        )
    }

    fn certificates(certificate: &Certificate, content_type: &'static str, outcome: String) -> Result<Self> {
        // One line: not every client skips line breaks. RFC 8951 §3.1: the field says nothing, and
        // some older clients want it all the same.
        Ok(Self {
            status: 200,
            content_type,
            field: Some("Content-Transfer-Encoding: base64"),
            certificates: Some(Base64::encode_string(&pkcs7::encode(&[certificate.to_der()])?)),
            outcome,
        })
    }
}

/// The request in a body, or why there is none.
fn read_request(body: &[u8]) -> Result<CertificateRequest, String> {
    if body.trim_ascii_start().starts_with(b"-----BEGIN") {
        return Err(
            "the body is PEM: send the DER of the request in base64, without the lines around it".to_owned()
        );
    }
    let der = decode_base64(body).ok_or_else(|| "the body is not base64".to_owned())?;
    // Told apart by content, PEM inside base64 would be taken as well.
    if !der.starts_with(&[SEQUENCE]) {
        return Err("the body is not a certificate request in DER".to_owned());
    }
    CertificateRequest::load(&der).map_err(|error| {
        if error == CertificateError::BadSignature.into() {
            return "the request's signature does not verify: no proof that you have the key".to_owned();
        }
        error.to_string()
    })
}

/// RFC 8951 §3.1: base64 of RFC 4648 §4, in which white space may stand.
pub(super) fn decode_base64(body: &[u8]) -> Option<Vec<u8>> {
    let dense: Vec<u8> = body.iter().copied().filter(|octet| !octet.is_ascii_whitespace()).collect();
    Base64::decode_vec(core::str::from_utf8(&dense).ok()?).ok()
}

fn password(head: &RequestHead) -> Option<Zeroizing<Vec<u8>>> {
    let credentials = Zeroizing::new(Base64::decode_vec(head.credentials("basic")?).ok()?);
    let at = credentials.iter().position(|octet| *octet == b':')?;
    credentials.get(at.saturating_add(1)..).map(|password| Zeroizing::new(password.to_vec()))
}

/// The most requests of a connection: an enrolment takes one to three.
const MAX_REQUESTS: usize = 6;

/// The identifier octet of a SEQUENCE.
const SEQUENCE: u8 = 0x30;
