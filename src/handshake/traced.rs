//! The key schedule as a trace tells it (RFC 8446 §7.1): where each secret comes from. It is computed once more
//! for that, stage by stage, by the functions that the handshake uses.

use super::key_schedule::{
    ExporterSecret, ResumptionSecret, TrafficPair, TrafficSecret, derive_secret, expand_label,
};
use super::suite::SuiteParameters;
use crate::crypto::aead::NONCE_LEN;
use crate::crypto::hash::{Digest, MAX_OUTPUT_LEN, digest};
use crate::crypto::hkdf::Prk;
use crate::error::Result;
use crate::secret::Secret;
use crate::trace::{Derivation, Direction, Trace};
use zeroize::Zeroizing;

/// From the pre-shared key and the exchange of keys to the secrets of the handshake, and on to the Master Secret.
pub(super) fn handshake_secrets(
    trace: Option<&mut Trace>,
    suite: SuiteParameters,
    (psk, shared): (Option<&Secret>, &Secret),
    keys: &TrafficPair,
    hello_hash: &Digest,
) -> Result<()> {
    let Some(trace) = trace else { return Ok(()) };
    let hash = suite.hash;
    let zeros = [0; MAX_OUTPUT_LEN];
    let zeros = zeros.get(..hash.output_len()).unwrap_or_default();
    let empty = digest(hash, &[]);
    if let Some(psk) = psk {
        trace.secret("psk", &Derivation::Given("the session that is resumed"), psk.expose());
    }
    let early = Prk::extract(hash, &[], psk.map_or(zeros, Secret::expose));
    let input = if psk.is_some() { "psk" } else { "zeros" };
    trace.secret("early_secret", &Derivation::Extract { salt: "zeros", input }, early.expose());
    if psk.is_some() {
        let binder = derive_secret(&early.keyed(), b"res binder", empty.as_ref())?;
        expanded(trace, "binder_key", ("early_secret", "res binder"), (empty.as_ref(), NOTHING), &binder);
    }
    trace.secret("shared_secret", &Derivation::Given("the exchange of keys (key_share)"), shared.expose());
    let handshake =
        next(trace, ("early_secret", "handshake_secret", "shared_secret"), &early, shared.expose())?;
    for (side, label, secret) in
        [("client", "c hs traffic", &keys.client), ("server", "s hs traffic", &keys.server)]
    {
        let name = format!("{side}_handshake_traffic_secret");
        let context = (hello_hash.as_ref(), "ClientHello to ServerHello");
        expanded(trace, &name, ("handshake_secret", label), context, secret.prk());
        keys_of(trace, &name, secret)?;
        let mut finished = Zeroizing::new(vec![0; hash.output_len()]);
        expand_label(&secret.prk().keyed(), b"finished", &[], &mut finished)?;
        let from = Derivation::Expand { from: &name, label: "finished", context: &[], of: NOTHING };
        trace.secret(&format!("{side}_finished_key"), &from, &finished);
    }
    next(trace, ("handshake_secret", "master_secret", "zeros"), &handshake, zeros).map(|_| ())
}

/// From the Master Secret to the secrets of data.
pub(super) fn application_secrets(
    trace: Option<&mut Trace>,
    keys: &TrafficPair,
    exporter: &ExporterSecret,
    server_finished: &Digest,
) -> Result<()> {
    let Some(trace) = trace else { return Ok(()) };
    let context = (server_finished.as_ref(), "ClientHello to the server's Finished");
    for (side, label, secret) in
        [("client", "c ap traffic", &keys.client), ("server", "s ap traffic", &keys.server)]
    {
        let name = format!("{side}_application_traffic_secret_0");
        expanded(trace, &name, ("master_secret", label), context, secret.prk());
        keys_of(trace, &name, secret)?;
    }
    expanded(trace, "exporter_master_secret", ("master_secret", "exp master"), context, exporter.prk());
    Ok(())
}

/// The secret that tickets are made of.
pub(super) fn resumption_secret(
    trace: Option<&mut Trace>,
    secret: &ResumptionSecret,
    client_finished: &Digest,
) {
    let Some(trace) = trace else { return };
    let context = (client_finished.as_ref(), "ClientHello to the client's Finished");
    expanded(trace, "resumption_master_secret", ("master_secret", "res master"), context, secret.prk());
}

/// What a KeyUpdate makes of the secret of one direction (RFC 8446 §7.2), before its keys are used.
pub(super) fn updated_secret(
    trace: Option<&mut Trace>,
    direction: Direction,
    secret: &TrafficSecret,
) -> Result<()> {
    let Some(trace) = trace else { return Ok(()) };
    let (from, to) = trace.names_of_update(direction);
    expanded(trace, &to, (&from, "traffic upd"), (&[], NOTHING), secret.prk());
    keys_of(trace, &to, secret)
}

const NOTHING: &str = "nothing";

fn expanded(
    trace: &mut Trace,
    name: &str,
    (from, label): (&str, &str),
    (context, of): (&[u8], &str),
    secret: &Prk,
) {
    trace.secret(name, &Derivation::Expand { from, label, context, of }, secret.expose());
}

/// The next stage: `from`, by way of a salt, and `input`.
fn next(trace: &mut Trace, (from, to, input): (&str, &str, &str), prk: &Prk, octets: &[u8]) -> Result<Prk> {
    let hash = prk.algorithm();
    let empty = digest(hash, &[]);
    let salt = derive_secret(&prk.keyed(), b"derived", empty.as_ref())?;
    let salt_name = format!("salt of {to}");
    expanded(trace, &salt_name, (from, "derived"), (empty.as_ref(), NOTHING), &salt);
    let stage = Prk::extract(hash, salt.expose(), octets);
    trace.secret(to, &Derivation::Extract { salt: &salt_name, input }, stage.expose());
    Ok(stage)
}

/// Secrets that a listener knows, and those that he does not (RFC 9850): no key log has the stages above.
pub(super) fn listened_secrets(
    trace: &mut Trace,
    stage: &str,
    secrets: [(&str, &Option<TrafficSecret>); 2],
) -> Result<()> {
    trace.unknown(stage, "a key log does not have it");
    for (name, secret) in secrets {
        match secret {
            Some(secret) => {
                trace.secret(name, &Derivation::Given("the key log"), secret.prk().expose());
                keys_of(trace, name, secret)?;
            }
            None => trace.unknown(name, "the key log given does not have it"),
        }
    }
    Ok(())
}

/// The key and the IV that protect records (RFC 8446 §7.3).
fn keys_of(trace: &mut Trace, name: &str, secret: &TrafficSecret) -> Result<()> {
    for (label, len) in [("key", secret.key_len()), ("iv", NONCE_LEN)] {
        let mut value = Zeroizing::new(vec![0; len]);
        expand_label(&secret.prk().keyed(), label.as_bytes(), &[], &mut value)?;
        let from = Derivation::Expand { from: name, label, context: &[], of: NOTHING };
        trace.secret(&format!("{label} of {name}"), &from, &value);
    }
    Ok(())
}
