//! What became known of the connection.

use std::sync::Arc;

use super::key_log::KeyLog;
use super::key_schedule::ExporterSecret;
use crate::codepoints::{CipherSuite, NamedGroup, SignatureScheme};
use crate::error::{PeerMisbehaved, Result};
use crate::pki::{Certificate, DistinguishedName, Identity, KeptPeer, VerifiedPeer};
use crate::record::MAX_INNER_LEN;

/// What became known of the connection.
#[derive(Default)]
pub(crate) struct Facts {
    pub(crate) suite: Option<CipherSuite>,
    pub(crate) group: Option<NamedGroup>,
    pub(crate) scheme: Option<SignatureScheme>,
    pub(crate) peer_scheme: Option<SignatureScheme>,
    /// The peer, until the handshake is done.
    pub(crate) peer: Option<Box<VerifiedPeer>>,
    /// The peer, from then on.
    kept: Option<Box<KeptPeer>>,
    pub(crate) identity: Option<Arc<Identity>>,
    /// The certificate that we showed, on this connection or on the one that it resumes.
    pub(crate) certificate: Option<Certificate>,
    pub(crate) resumed: bool,
    /// There was a HelloRetryRequest.
    pub(crate) retried: bool,
    pub(crate) alpn: Option<Box<[u8]>>,
    /// Our record_size_limit, once the peer has to keep to it.
    pub(crate) receive_limit: Option<u16>,
    /// Octets of early data that may still be skipped (RFC 8446 §4.2.10).
    pub(crate) skip_early_data: usize,
    pub(crate) idle: Idle,
    /// Application data came.
    pub(crate) has_data: bool,
    pub(crate) key_log: Option<Box<KeyLog>>,
    /// What the other side has said before it was chosen: a client's [`super::Offer`], or a server's
    /// CertificateRequest. Encoded, for whoever asks later.
    pub(crate) said: Option<Box<[u8]>>,
    pub(crate) exporter: Option<ExporterSecret>,
    /// A ticket came: the server has judged us (see [`crate::State::CONFIRMED`]).
    pub(crate) confirmed: bool,
}

impl Facts {
    /// Octets in the largest TLSInnerPlaintext that the peer may send.
    pub(crate) fn max_inner_len(&self) -> usize {
        self.receive_limit.map_or(MAX_INNER_LEN, usize::from)
    }

    /// The handshake is done, which counts as progress: what is parsed of the peer's certificates goes.
    pub(crate) fn settle(&mut self) {
        self.kept = self.peer.take().map(|peer| Box::new(KeptPeer::new(&peer)));
        self.idle.end();
    }

    /// The peer, once its certificate and its possession of the key are verified.
    pub(crate) fn verified_peer(&self) -> Option<VerifiedPeer> {
        self.peer.as_deref().cloned().or_else(|| self.kept.as_ref()?.read())
    }

    /// The subject of the peer's certificate.
    pub(crate) fn peer_subject(&self) -> Option<DistinguishedName> {
        match &self.peer {
            Some(peer) => Some(peer.certificate().subject().clone()),
            None => self.kept.as_ref()?.subject(),
        }
    }

    /// SHA-256 of the peer's certificate, once the handshake is done.
    pub(crate) fn peer_fingerprint(&self) -> Option<[u8; 32]> {
        self.kept.as_ref().map(|kept| kept.fingerprint())
    }

    /// Forgets who the peers of a failed connection were, and what could continue it (RFC 8446 §6.2).
    pub(crate) fn forget_peers(&mut self) {
        self.peer = None;
        self.kept = None;
        self.identity = None;
        self.certificate = None;
        self.exporter = None;
    }
}

/// Records without progress that are tolerated until application data comes. RFC 8446 has no bound for any
/// kind of them; without one a peer, or somebody on the way, would keep us busy for nothing.
const MAX_IDLE_RECORDS: u8 = 32;

/// What came since the last application data and brought nothing: one budget for all kinds. They are empty
/// records, change_cipher_spec (RFC 8446 §5), user_canceled, skipped early data, and each message after the
/// handshake but the answers to our own KeyUpdates. The handshake's own messages are bounded by their number
/// and length, and its end counts as progress.
#[derive(Default)]
pub(crate) struct Idle(u8);

impl Idle {
    /// # Errors
    /// One more than is tolerated.
    pub(crate) fn count(&mut self) -> Result<()> {
        self.0 = self.0.saturating_add(1);
        if self.0 > MAX_IDLE_RECORDS {
            Err(PeerMisbehaved::TooMany("records without progress").into())
        } else {
            Ok(())
        }
    }

    pub(crate) fn end(&mut self) {
        self.0 = 0;
    }
}
