//! Certificate and CertificateVerify, the same for both roles (RFC 8446 §4.4.2, §4.4.3).

use super::config::Config;
use super::context::Context;
use super::transcript::Transcript;
use crate::codepoints::{HandshakeType, SignatureScheme};
use crate::crypto::Random;
use crate::crypto::hash::Digest;
use crate::error::{Error, PeerMisbehaved, Result};
use crate::pki::{Chain, Identity, PeerRole, TrustStore, VerifiedPeer};
use crate::trace::Direction;
use crate::wire::{CertificateEntry, CertificateMessage, CertificateVerify, Codec};

/// Who signs a CertificateVerify.
#[derive(Clone, Copy)]
pub(super) enum Signer {
    Client,
    Server,
}

impl Signer {
    const fn context_string(self) -> &'static [u8] {
        match self {
            Self::Client => b"TLS 1.3, client CertificateVerify",
            Self::Server => b"TLS 1.3, server CertificateVerify",
        }
    }
}

/// Queues our Certificate; an empty one where we have no identity.
pub(super) fn send_certificate(
    identity: Option<&Identity>,
    request_context: Vec<u8>,
    transcript: &mut Transcript,
    cx: &mut Context<'_>,
) {
    let entry = |certificate: &crate::pki::Certificate| CertificateEntry {
        cert_data: certificate.to_der().to_vec(),
        types: Vec::new(),
    };
    let message = CertificateMessage {
        certificate_request_context: request_context,
        certificate_list: identity.iter().flat_map(|identity| identity.chain()).map(entry).collect(),
    };
    send(HandshakeType::CERTIFICATE, &message, transcript, cx);
}

/// Queues our CertificateVerify.
pub(super) fn send_certificate_verify(
    identity: &Identity,
    scheme: SignatureScheme,
    signer: Signer,
    random: &dyn Random,
    transcript: &mut Transcript,
    cx: &mut Context<'_>,
) -> Result<()> {
    let content = signed_content(signer, &transcript.current());
    let signature = identity.key().sign(scheme, &content, random)?;
    cx.out.tell(|trace| {
        trace.signature(Direction::Sent, identity.certificate(), scheme, &content, "made");
    });
    send(
        HandshakeType::CERTIFICATE_VERIFY,
        &CertificateVerify { algorithm: scheme, signature },
        transcript,
        cx,
    );
    cx.facts.scheme = Some(scheme);
    Ok(())
}

/// Appends a message to the transcript and queues it.
pub(super) fn send(
    message_type: HandshakeType,
    body: &impl Codec,
    transcript: &mut Transcript,
    cx: &mut Context<'_>,
) {
    transcript.add(cx.out.write_message(message_type, |out| body.encode(out)));
}

/// The certificates of a Certificate message, at most `limit`.
pub(super) fn received_chain(message: CertificateMessage, limit: usize) -> Result<Vec<Vec<u8>>> {
    // We send no CertificateRequest with a context, and RFC 8446 §4.4.2 has a server's empty.
    if !message.certificate_request_context.is_empty() {
        return Err(PeerMisbehaved::IllegalParameter("certificate_request_context").into());
    }
    // RFC 8446 §4.4.2: extensions of an entry answer ours, and we offer none that has an answer here.
    if message.certificate_list.iter().any(|entry| !entry.types.is_empty()) {
        return Err(PeerMisbehaved::UnsupportedExtension("in a CertificateEntry").into());
    }
    Chain::check_len(message.certificate_list.len(), limit)?;
    Ok(message.certificate_list.into_iter().map(|entry| entry.cert_data).collect())
}

/// Judges the peer: first its certificate, then its possession of the key.
pub(super) fn authenticate<S>(
    (chain, verify): (&[Vec<u8>], &CertificateVerify),
    (trust, role): (&TrustStore, &PeerRole),
    config: &Config<S>,
    transcript: &Digest,
    cx: &mut Context<'_>,
) -> Result<()> {
    let chain = Chain::from_der(chain)?;
    let peer = trust.verify(&chain, role, cx.now).inspect_err(|report| {
        cx.out.tell(|trace| trace.refused(report));
    })?;
    cx.out.tell(|trace| trace.passed(&trust.passed(&chain, role, cx.now)));
    // RFC 8446 §4.4.3: the algorithm must be one that we offered.
    if !config.verify_schemes.contains(&verify.algorithm) {
        return Err(PeerMisbehaved::IllegalParameter("CertificateVerify.algorithm was not offered").into());
    }
    let signer = match role {
        PeerRole::Server(_) | PeerRole::AnyServer => Signer::Server,
        PeerRole::Client | PeerRole::Enrolled | PeerRole::Any => Signer::Client,
    };
    let checked = check_signature(&peer, verify, signer, transcript);
    cx.out.tell(|trace| {
        let content = signed_content(signer, transcript);
        let result = if checked.is_ok() { "passed" } else { "failed" };
        trace.signature(Direction::Received, peer.certificate(), verify.algorithm, &content, result);
    });
    checked?;
    cx.facts.peer_scheme = Some(verify.algorithm);
    cx.facts.peer = Some(Box::new(peer));
    Ok(())
}

fn check_signature(
    peer: &VerifiedPeer,
    verify: &CertificateVerify,
    signer: Signer,
    transcript: &Digest,
) -> Result<()> {
    let key = peer.certificate().public_key();
    if !key.algorithm().supports(verify.algorithm) {
        return Err(
            PeerMisbehaved::IllegalParameter("CertificateVerify.algorithm does not fit the key").into()
        );
    }
    let checked = key.verify(verify.algorithm, &signed_content(signer, transcript), &verify.signature);
    // The table of alerts knows a peer's signature by this name; a KeyError is about our own files.
    checked.map_err(
        |error| {
            if matches!(error, Error::Key(_)) { PeerMisbehaved::BadSignature.into() } else { error }
        },
    )
}

/// RFC 8446 §4.4.3: the padding and the context string stop a signature that was made elsewhere, or
/// in the other role, from being used here.
pub(super) fn signed_content(signer: Signer, transcript: &Digest) -> Vec<u8> {
    let mut content = Vec::with_capacity(160);
    content.resize(64, 0x20);
    content.extend_from_slice(signer.context_string());
    content.push(0);
    content.extend_from_slice(transcript.as_ref());
    content
}
