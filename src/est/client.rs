//! The client's half.

use std::net::Ipv6Addr;

use base64ct::{Base64, Encoding};

use super::http::{HttpReader, Refusal, ReplyHead, one_line};
use super::server::decode_base64;
use crate::error::{EnrolmentError, Error, Result};
use crate::pki::{Certificate, CertificateRequest, MAX_CHAIN_LEN, Profile, pkcs7};
use crate::secret::Secret;

/// One request and its reply.
///
/// ```
/// use otls::est::EstClient;
///
/// let (mut client, request) = EstClient::cacerts("ttp.example");
/// assert!(request.starts_with(b"GET /.well-known/est/cacerts HTTP/1.1\r\nHost: ttp.example\r\n"));
/// // Seal the request; feed what is decrypted until there is a reply.
/// assert!(client.feed(b"HTTP/1.1 200 OK\r\n")?.is_none());
/// assert!(client.feed(b"Content-Length: 0\r\n\r\n").is_err());
/// # Ok::<(), otls::Error>(())
/// ```
pub struct EstClient {
    reader: HttpReader<ReplyHead>,
    state: State,
}

crate::shown::shown!(EstClient);

enum State {
    WaitForCaCertificates,
    /// For a certificate of the key with this fingerprint.
    WaitForCertificate([u8; 32]),
    Done,
    Failed(Error),
}

/// What came back; see [`EstClient`].
///
/// ```
/// use otls::est::EstReply;
///
/// fn count(reply: &EstReply) -> usize {
///     match reply {
///         EstReply::CaCertificates(certificates) => certificates.len(),
///         EstReply::Enrolled(_) => 1,
///     }
/// }
/// ```
#[derive(Debug)]
pub enum EstReply {
    /// The authority's certificates (RFC 7030 §4.1.3). Nothing says yet that they are the right ones:
    /// [`EstReply::authority`].
    CaCertificates(Vec<Certificate>),
    /// The certificate that was issued, for the request's key (RFC 7030 §4.2.3).
    Enrolled(Certificate),
}

impl EstReply {
    /// The authority's certificate with this SHA-256 fingerprint, which came by another way: trust none
    /// that was not found by it (RFC 7030 §4.1.1).
    ///
    /// # Errors
    /// [`EnrolmentError::FingerprintMismatch`].
    pub fn authority(&self, fingerprint: &[u8; 32]) -> Result<&Certificate> {
        let certificates = match self {
            Self::CaCertificates(certificates) => certificates.as_slice(),
            Self::Enrolled(_) => &[],
        };
        let found = certificates.iter().find(|one| one.is_ca() && one.fingerprint() == *fingerprint);
        found.ok_or(EnrolmentError::FingerprintMismatch.into())
    }
}

impl EstClient {
    /// Asks for the authority's certificates. Returns the request's bytes as well. `host` is the name or address that
    /// the connection was made to, with a port or without.
    pub fn cacerts(host: &str) -> (Self, Vec<u8>) {
        let request = format!("GET /.well-known/est/cacerts HTTP/1.1\r\nHost: {}\r\n\r\n", visible(host));
        (Self::waiting(State::WaitForCaCertificates), request.into_bytes())
    }

    /// Asks for a certificate. Returns the request's bytes as well.
    pub fn simpleenroll(host: &str, profile: Profile, request: &CertificateRequest) -> (Self, Vec<u8>) {
        let bytes = enrolment(host, profile, request, "");
        (Self::waiting(State::WaitForCertificate(request.public_key().fingerprint())), bytes.into_bytes())
    }

    /// Asks for a certificate with a token of [`super::Register::new_token`]. Returns the request's
    /// bytes as well, which hold the token.
    pub fn simpleenroll_with_token(
        host: &str,
        profile: Profile,
        request: &CertificateRequest,
        token: &Secret,
    ) -> (Self, Secret) {
        let password = Secret::from([b"enrol:", token.expose()].concat());
        let credentials = zeroize::Zeroizing::new(Base64::encode_string(password.expose()));
        let field = zeroize::Zeroizing::new(format!("Authorization: Basic {}\r\n", credentials.as_str()));
        let bytes = enrolment(host, profile, request, &field);
        let waiting = Self::waiting(State::WaitForCertificate(request.public_key().fingerprint()));
        (waiting, Secret::from(bytes.into_bytes()))
    }

    /// Takes decrypted bytes; the reply once it is complete.
    ///
    /// # Errors
    /// [`crate::Error::Enrolment`]: a refusal of the server is [`EnrolmentError::Status`] with its
    /// reason; [`crate::Error::Certificate`] for certificates that do not load. Errors are final.
    pub fn feed(&mut self, bytes: &[u8]) -> Result<Option<EstReply>> {
        self.reader.feed(bytes);
        let found = self.next_reply().map_err(|refusal| EnrolmentError::Http(refusal.why).into());
        self.settle(found)
    }

    /// The connection ended with close_notify, which may be what ends the reply (RFC 9112 §6.3).
    ///
    /// # Errors
    /// As [`EstClient::feed`]; [`EnrolmentError::Http`] if the reply is not complete.
    pub fn feed_end(&mut self) -> Result<Option<EstReply>> {
        let cut_short = || EnrolmentError::Http("the connection ended before the reply did").into();
        let found = match self.reader.end() {
            None if matches!(self.state, State::Done) => return Ok(None),
            ended => ended.ok_or_else(cut_short).map(Some),
        };
        self.settle(found)
    }

    const fn waiting(state: State) -> Self {
        Self { reader: HttpReader::new(), state }
    }

    /// The next reply that is not an interim one (RFC 9110 §15.2).
    fn next_reply(&mut self) -> Result<Option<(ReplyHead, Vec<u8>)>, Refusal> {
        loop {
            match self.reader.next()? {
                Some((head, _)) if (100..=199).contains(&head.status) => {}
                found => return Ok(found),
            }
        }
    }

    fn settle(&mut self, found: Result<Option<(ReplyHead, Vec<u8>)>>) -> Result<Option<EstReply>> {
        let reply = match (&self.state, found) {
            (State::Failed(error), _) => return Err(error.clone()),
            (State::Done, _) | (_, Ok(None)) => return Ok(None),
            (State::WaitForCaCertificates, Ok(Some((head, body)))) => read_ca_certificates(&head, &body),
            (State::WaitForCertificate(key), Ok(Some((head, body)))) => read_certificate(&head, &body, key),
            (State::WaitForCaCertificates | State::WaitForCertificate(_), Err(error)) => Err(error),
        };
        self.state = match &reply {
            Ok(_) => State::Done,
            Err(error) => State::Failed(error.clone()),
        };
        reply.map(Some)
    }
}

fn enrolment(host: &str, profile: Profile, request: &CertificateRequest, field: &str) -> String {
    let label = match profile {
        Profile::Server => "server",
        Profile::Client => "client",
        // Our own enrolment server has neither label, another's may.
        Profile::Both => "both",
        Profile::Ca { .. } => "ca",
    };
    let body = Base64::encode_string(request.to_der());
    let host = visible(host);
    // Joined in one allocation: growing would leave a copy of a token behind.
    [
        format!("POST /.well-known/est/{label}/simpleenroll HTTP/1.1\r\nHost: {host}\r\n").as_str(),
        field,
        &format!("Content-Type: application/pkcs10\r\nContent-Length: {}\r\n\r\n", body.len()),
        &body,
    ]
    .concat()
}

/// A host as the field has it (RFC 9110 §7.2): an IPv6 address in brackets and without a zone, a DNS name without
/// the dot at its end. A line break in a host would become a header field of its own.
fn visible(host: &str) -> String {
    let host: String = host.chars().filter(char::is_ascii_graphic).collect();
    let address = host.split_once('%').map_or(host.as_str(), |(address, _)| address);
    if address.parse::<Ipv6Addr>().is_ok() {
        return format!("[{address}]");
    }
    host.trim_end_matches('.').to_owned()
}

fn read_ca_certificates(head: &ReplyHead, body: &[u8]) -> Result<EstReply> {
    let certificates = read_certificates(head, body)?;
    if !certificates.iter().any(Certificate::is_ca) {
        return Err(EnrolmentError::Malformed("no authority's certificate in it").into());
    }
    Ok(EstReply::CaCertificates(certificates))
}

fn read_certificate(head: &ReplyHead, body: &[u8], key: &[u8; 32]) -> Result<EstReply> {
    let mut leaves = read_certificates(head, body)?.into_iter().filter(|one| !one.is_ca());
    let (Some(leaf), None) = (leaves.next(), leaves.next()) else {
        return Err(
            EnrolmentError::Malformed("not exactly one certificate that is not an authority's").into()
        );
    };
    if leaf.public_key().fingerprint() != *key {
        return Err(EnrolmentError::Malformed("the certificate is for another key than the request").into());
    }
    Ok(EstReply::Enrolled(leaf))
}

fn read_certificates(head: &ReplyHead, body: &[u8]) -> Result<Vec<Certificate>> {
    if head.status != 200 {
        let text = one_line(&(String::from_utf8_lossy(body).into_owned() + &head.advice()));
        return Err(EnrolmentError::Status(head.status, text).into());
    }
    if !head.has_content_type("application/pkcs7-mime") {
        return Err(EnrolmentError::Malformed("its Content-Type is not application/pkcs7-mime").into());
    }
    let der = decode_base64(body).ok_or(EnrolmentError::Malformed("its body is not base64"))?;
    let found = pkcs7::decode(&der).map_err(EnrolmentError::Malformed)?;
    if found.is_empty() || found.len() > MAX_CHAIN_LEN {
        return Err(EnrolmentError::Malformed("no certificates in it, or more than ten").into());
    }
    found.into_iter().map(Certificate::load).collect()
}
