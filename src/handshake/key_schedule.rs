//! The key schedule (RFC 8446 §7.1): three chained stages, each consumed to reach the next.

use core::cmp::Ordering;

use zeroize::Zeroizing;

use super::key_log::KeyLog;
use super::suite::SuiteParameters;
use crate::crypto::aead::{AeadKey, NONCE_LEN};
use crate::crypto::hash::{Digest, HashAlgorithm, MAX_OUTPUT_LEN, digest};
use crate::crypto::hkdf::{KeyedPrk, Prk};
use crate::crypto::hmac::HmacKey;
use crate::error::{Error, InvalidMessage, Malformed, PeerMisbehaved, Result};
use crate::record::{Opener, Sealer};
use crate::secret::{FixedSecret, Secret};

/// Octets in the longest AEAD key: the SHA-384 composite's.
const MAX_KEY_LEN: usize = 56;

/// The first stage.
pub(super) struct EarlySecret(Prk);

impl EarlySecret {
    /// Without a PSK: the input is zeros of the hash's length.
    pub(super) fn without_psk(hash: HashAlgorithm) -> Self {
        let zeros = [0; MAX_OUTPUT_LEN];
        Self(Prk::extract(hash, &[], zeros.get(..hash.output_len()).unwrap_or_default()))
    }

    /// With the PSK of a session (RFC 8446 §4.6.1).
    pub(super) fn with_psk(hash: HashAlgorithm, psk: &Secret) -> Self {
        Self(Prk::extract(hash, &[], psk.expose()))
    }

    /// The binder of a resumption PSK over the truncated ClientHello (RFC 8446 §4.2.11.2).
    pub(super) fn binder(&self, truncated_hello: &Digest) -> Result<Digest> {
        let key = self.binder_key()?;
        Ok(finished_key(&key)?.sign(&[truncated_hello.as_ref()]))
    }

    /// Judges a binder in constant time.
    pub(super) fn check_binder(&self, truncated_hello: &Digest, binder: &[u8]) -> Result<()> {
        let key = self.binder_key()?;
        let checked = finished_key(&key)?.verify(&[truncated_hello.as_ref()], binder);
        checked.map_err(|_| PeerMisbehaved::BadBinder.into())
    }

    fn binder_key(&self) -> Result<Prk> {
        derive_secret(&self.0.keyed(), b"res binder", digest(self.0.algorithm(), &[]).as_ref())
    }

    /// The second stage, with the (EC)DHE shared secret.
    pub(super) fn into_handshake(self, shared: &Secret) -> Result<HandshakeSecret> {
        Ok(HandshakeSecret(next_stage(&self.0, shared.expose())?))
    }
}

/// The second stage: keys of the handshake.
pub(super) struct HandshakeSecret(Prk);

impl HandshakeSecret {
    /// client_ and server_handshake_traffic_secret for the transcript up to ServerHello.
    pub(super) fn traffic(&self, suite: SuiteParameters, hello_hash: &Digest) -> Result<TrafficPair> {
        TrafficPair::derive(&self.0, suite, b"c hs traffic", b"s hs traffic", hello_hash)
    }

    /// The third stage.
    pub(super) fn into_master(self) -> Result<MasterSecret> {
        let hash = self.0.algorithm();
        let zeros = [0; MAX_OUTPUT_LEN];
        Ok(MasterSecret(next_stage(&self.0, zeros.get(..hash.output_len()).unwrap_or_default())?))
    }
}

/// The third stage: keys of the application.
pub(super) struct MasterSecret(Prk);

impl MasterSecret {
    /// client_ and server_application_traffic_secret_0 for the transcript up to the server's
    /// Finished.
    pub(super) fn traffic(&self, suite: SuiteParameters, server_finished: &Digest) -> Result<TrafficPair> {
        TrafficPair::derive(&self.0, suite, b"c ap traffic", b"s ap traffic", server_finished)
    }

    /// exporter_master_secret for the same transcript.
    pub(super) fn exporter(&self, server_finished: &Digest) -> Result<ExporterSecret> {
        Ok(ExporterSecret(derive_secret(&self.0.keyed(), b"exp master", server_finished.as_ref())?))
    }

    /// resumption_master_secret for the transcript up to the client's Finished.
    pub(super) fn resumption(&self, client_finished: &Digest) -> Result<ResumptionSecret> {
        Ok(ResumptionSecret(derive_secret(&self.0.keyed(), b"res master", client_finished.as_ref())?))
    }
}

/// The traffic secrets of both directions.
pub(super) struct TrafficPair {
    pub(super) client: TrafficSecret,
    pub(super) server: TrafficSecret,
}

impl TrafficPair {
    fn derive(
        prk: &Prk,
        suite: SuiteParameters,
        client: &[u8],
        server: &[u8],
        transcript: &Digest,
    ) -> Result<Self> {
        let keyed = prk.keyed();
        let secret = |label| -> Result<TrafficSecret> {
            Ok(TrafficSecret { suite, prk: derive_secret(&keyed, label, transcript.as_ref())? })
        };
        Ok(Self { client: secret(client)?, server: secret(server)? })
    }

    /// Handshake traffic secrets (RFC 9850 §3).
    pub(super) fn log_handshake(&self, log: Option<&mut KeyLog>) {
        let Some(log) = log else { return };
        log.line("CLIENT_HANDSHAKE_TRAFFIC_SECRET", self.client.prk.expose());
        log.line("SERVER_HANDSHAKE_TRAFFIC_SECRET", self.server.prk.expose());
    }

    /// Application traffic secrets and the exporter's.
    pub(super) fn log_application(&self, exporter: &ExporterSecret, log: Option<&mut KeyLog>) {
        let Some(log) = log else { return };
        log.line("CLIENT_TRAFFIC_SECRET_0", self.client.prk.expose());
        log.line("SERVER_TRAFFIC_SECRET_0", self.server.prk.expose());
        log.line("EXPORTER_SECRET", exporter.0.expose());
    }
}

/// The traffic secrets of an established connection; KeyUpdate replaces them one by one.
pub(crate) struct Traffic {
    pub(super) read: TrafficSecret,
    pub(super) write: TrafficSecret,
}

/// The secret of one direction: gives its keys, its Finished and its successor.
pub(crate) struct TrafficSecret {
    suite: SuiteParameters,
    prk: Prk,
}

impl TrafficSecret {
    /// As a key log has it (RFC 9850).
    ///
    /// # Errors
    /// It is not as long as the suite's hash.
    pub(super) fn of_log(suite: SuiteParameters, secret: &[u8]) -> Result<Self> {
        Ok(Self { suite, prk: Prk::from_secret(suite.hash, secret)? })
    }

    pub(super) const fn prk(&self) -> &Prk {
        &self.prk
    }

    /// Octets in the key that protects records.
    pub(super) const fn key_len(&self) -> usize {
        self.suite.aead.key_len()
    }

    /// Protection of what we send.
    pub(super) fn sealer(&self) -> Result<Sealer> {
        let (key, iv) = self.key_and_iv()?;
        Ok(Sealer::new(key, iv))
    }

    /// Protection of what we receive.
    pub(super) fn opener(&self) -> Result<Opener> {
        let (key, iv) = self.key_and_iv()?;
        Ok(Opener::new(key, iv))
    }

    /// verify_data of a Finished of this direction (RFC 8446 §4.4.4).
    pub(super) fn verify_data(&self, transcript: &Digest) -> Result<Digest> {
        Ok(finished_key(&self.prk)?.sign(&[transcript.as_ref()]))
    }

    /// Judges a Finished in constant time.
    pub(super) fn check_finished(&self, transcript: &Digest, verify_data: &[u8]) -> Result<()> {
        // RFC 8446 §4.4.4: verify_data is as long as the hash; another length does not parse.
        let malformed = match verify_data.len().cmp(&self.prk.algorithm().output_len()) {
            Ordering::Equal => None,
            Ordering::Less => Some(Malformed::Truncated),
            Ordering::Greater => Some(Malformed::TrailingData),
        };
        if let Some(why) = malformed {
            return Err(InvalidMessage { what: "Finished", why }.into());
        }
        let checked = finished_key(&self.prk)?.verify(&[transcript.as_ref()], verify_data);
        checked.map_err(|_| PeerMisbehaved::BadFinished.into())
    }

    /// The next generation (RFC 8446 §7.2).
    pub(super) fn next(&self) -> Result<Self> {
        let hash = self.prk.algorithm();
        let next = FixedSecret::<MAX_OUTPUT_LEN>::filled_by(hash.output_len(), |out| {
            expand_label(&self.prk.keyed(), b"traffic upd", &[], out)
        })?;
        Ok(Self { suite: self.suite, prk: Prk::from_secret(hash, next.expose())? })
    }

    /// RFC 8446 §7.3.
    fn key_and_iv(&self) -> Result<(AeadKey, [u8; NONCE_LEN])> {
        let keyed = self.prk.keyed();
        let key = FixedSecret::<MAX_KEY_LEN>::filled_by(self.suite.aead.key_len(), |out| {
            expand_label(&keyed, b"key", &[], out)
        })?;
        let mut iv = [0; NONCE_LEN];
        expand_label(&keyed, b"iv", &[], &mut iv)?;
        Ok((AeadKey::new(self.suite.aead, key.expose())?, iv))
    }
}

/// resumption_master_secret.
pub(super) struct ResumptionSecret(Prk);

impl ResumptionSecret {
    pub(super) const fn prk(&self) -> &Prk {
        &self.0
    }

    /// The PSK of the ticket with this nonce (RFC 8446 §4.6.1).
    pub(super) fn psk(&self, ticket_nonce: &[u8]) -> Result<Secret> {
        let mut psk = Zeroizing::new(vec![0; self.0.algorithm().output_len()]);
        expand_label(&self.0.keyed(), b"resumption", ticket_nonce, &mut psk)?;
        Ok(psk.into())
    }
}

/// exporter_master_secret.
pub(crate) struct ExporterSecret(Prk);

impl ExporterSecret {
    pub(super) const fn prk(&self) -> &Prk {
        &self.0
    }

    /// RFC 8446 §7.5.
    pub(crate) fn export(&self, label: &[u8], context: &[u8], out: &mut [u8]) -> Result<()> {
        let hash = self.0.algorithm();
        let secret = derive_secret(&self.0.keyed(), label, digest(hash, &[]).as_ref())?;
        expand_label(&secret.keyed(), b"exporter", digest(hash, context).as_ref(), out)
    }
}

/// The key of a Finished or a binder (RFC 8446 §4.4.4).
fn finished_key(base: &Prk) -> Result<HmacKey> {
    let hash = base.algorithm();
    let key = FixedSecret::<MAX_OUTPUT_LEN>::filled_by(hash.output_len(), |out| {
        expand_label(&base.keyed(), b"finished", &[], out)
    })?;
    Ok(HmacKey::new(hash, key.expose()))
}

/// The way from one stage to the next: Derive-Secret(., "derived", "") salts the extraction.
fn next_stage(prk: &Prk, ikm: &[u8]) -> Result<Prk> {
    let hash = prk.algorithm();
    let salt = derive_secret(&prk.keyed(), b"derived", digest(hash, &[]).as_ref())?;
    Ok(Prk::extract(hash, salt.expose(), ikm))
}

/// Derive-Secret (RFC 8446 §7.1), its transcript already hashed.
pub(super) fn derive_secret(prk: &KeyedPrk, label: &[u8], transcript_hash: &[u8]) -> Result<Prk> {
    let hash = prk.algorithm();
    let secret = FixedSecret::<MAX_OUTPUT_LEN>::filled_by(hash.output_len(), |out| {
        expand_label(prk, label, transcript_hash, out)
    })?;
    Prk::from_secret(hash, secret.expose())
}

/// HKDF-Expand-Label (RFC 8446 §7.1).
pub(super) fn expand_label(prk: &KeyedPrk, label: &[u8], context: &[u8], out: &mut [u8]) -> Result<()> {
    const PREFIX: &[u8] = b"tls13 ";
    let too_long =
        |_| Error::misuse("exporter label or output is too long", "use a label of at most 249 octets");
    let length = u16::try_from(out.len()).map_err(too_long)?.to_be_bytes();
    let label_length = u8::try_from(PREFIX.len() + label.len()).map_err(too_long)?;
    let context_length = u8::try_from(context.len()).map_err(too_long)?;
    prk.expand(&[&length, &[label_length], PREFIX, label, &[context_length], context], out)
}

#[cfg(test)]
mod tests;
