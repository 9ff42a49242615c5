//! Record protection (RFC 8446 §5.2): the only place that knows nonces and sequence numbers.

use zeroize::Zeroizing;

use super::{HEADER_LEN, MAX_CIPHERTEXT_LEN, MAX_FRAGMENT_LEN};
use crate::codepoints::{ContentType, ProtocolVersion};
use crate::crypto::aead::{AeadAlgorithm, AeadKey, NONCE_LEN};
use crate::error::{Error, InvalidMessage, Malformed, PeerMisbehaved, Result};

/// Records that one AES-GCM key may protect: RFC 8446 §5.5 gives 2^24.5 of full size.
const MAX_GCM_RECORDS: u64 = 1 << 24;
/// For the CBC composites: below the birthday bound of 128-bit blocks with 2^10 blocks a record, by
/// the same margin.
const MAX_CBC_RECORDS: u64 = 1 << 24;
/// RFC 8446 §5.5: for ChaCha20-Poly1305 the sequence number would wrap first; half of it is enough.
const MAX_CHACHA_RECORDS: u64 = 1 << 63;

/// How data is cut into records.
#[derive(Clone, Copy, Debug)]
pub(crate) struct RecordShape {
    /// Octets of content in one record, 1 to MAX_FRAGMENT_LEN.
    pub(crate) fragment: u16,
    /// Data is padded to a multiple of this; 0 and 1 are none.
    pub(crate) padding: u16,
}

impl Default for RecordShape {
    fn default() -> Self {
        Self { fragment: 1 << 14, padding: 0 }
    }
}

impl RecordShape {
    /// RFC 8449 §4: a peer's limit counts the content type and the padding as well.
    pub(crate) fn limited_to(self, record_size_limit: u16) -> Self {
        let limit = record_size_limit.saturating_sub(1).max(1);
        Self { fragment: self.fragment.min(limit), ..self }
    }

    /// Zeros after `len` octets of content: up to the next multiple, or to the end of the record.
    fn padding_after(self, content_type: ContentType, len: usize) -> usize {
        // Handshake messages and alerts are as long as the protocol makes them.
        if self.padding < 2 || content_type != ContentType::APPLICATION_DATA {
            return 0;
        }
        let (fragment, padding) = (usize::from(self.fragment), usize::from(self.padding));
        let padded = len.checked_next_multiple_of(padding).unwrap_or(fragment);
        // A message of no octets is a message too.
        let padded = if padded == 0 { padding } else { padded };
        padded.min(fragment).saturating_sub(len)
    }
}

/// Protects records in one direction. The sequence number never wraps: sealing stops before.
pub(crate) struct Sealer(Direction);

/// Opens records in one direction.
pub(crate) struct Opener(Direction);

struct Direction {
    key: AeadKey,
    iv: Zeroizing<[u8; NONCE_LEN]>,
    sequence: u64,
}

impl Sealer {
    /// From a traffic key and its write_iv.
    pub(crate) fn new(key: AeadKey, iv: [u8; NONCE_LEN]) -> Self {
        Self(Direction { key, iv: Zeroizing::new(iv), sequence: 0 })
    }

    /// Appends to `out` the records that carry `content`, cut and padded as `shape` says; an empty
    /// `content` makes one empty record.
    pub(crate) fn seal(
        &mut self,
        content_type: ContentType,
        content: &[u8],
        shape: RecordShape,
        out: &mut Vec<u8>,
    ) -> Result<()> {
        let mut rest = content;
        let most = usize::from(shape.fragment).max(1);
        // Room for the whole records at once: growing would copy what is sealed already.
        let whole = HEADER_LEN.saturating_add(self.0.key.algorithm().sealed_len(most.saturating_add(1)));
        out.reserve(whole.saturating_mul(content.len() / most));
        loop {
            let (fragment, after) = rest.split_at(rest.len().min(most));
            self.seal_record(content_type, fragment, shape.padding_after(content_type, fragment.len()), out)?;
            rest = after;
            if rest.is_empty() {
                return Ok(());
            }
        }
    }

    /// Whether the AEAD's limit is near (RFC 8446 §5.5): update the key now.
    pub(crate) fn needs_update(&self) -> bool {
        let limit = match self.0.key.algorithm() {
            AeadAlgorithm::Aes128Gcm | AeadAlgorithm::Aes256Gcm => MAX_GCM_RECORDS,
            AeadAlgorithm::Aes128CbcHmacSha256 | AeadAlgorithm::Aes256CbcHmacSha384 => MAX_CBC_RECORDS,
            AeadAlgorithm::ChaCha20Poly1305 => MAX_CHACHA_RECORDS,
        };
        self.0.sequence >= limit
    }

    /// The sequence number of the next record.
    #[cfg(test)]
    pub(crate) fn sequence(&mut self) -> &mut u64 {
        &mut self.0.sequence
    }

    fn seal_record(
        &mut self,
        content_type: ContentType,
        fragment: &[u8],
        padding: usize,
        out: &mut Vec<u8>,
    ) -> Result<()> {
        let inner_len = fragment.len().saturating_add(1).saturating_add(padding);
        let len = self.0.key.algorithm().sealed_len(inner_len);
        let header = header(ContentType::APPLICATION_DATA, ProtocolVersion::TLS1_2, len)?;
        let start = out.len().saturating_add(HEADER_LEN);
        let nonce = self.0.next_nonce()?;
        out.reserve(HEADER_LEN.saturating_add(len));
        out.extend_from_slice(&header);
        out.extend_from_slice(fragment);
        out.push(content_type.0);
        out.resize(out.len().saturating_add(padding), 0);
        self.0.key.seal(&nonce, &header, out, start)
    }
}

impl Opener {
    /// From a traffic key and its write_iv.
    pub(crate) fn new(key: AeadKey, iv: [u8; NONCE_LEN]) -> Self {
        Self(Direction { key, iv: Zeroizing::new(iv), sequence: 0 })
    }

    /// The sequence number of the next record.
    #[cfg(test)]
    pub(crate) fn sequence(&mut self) -> &mut u64 {
        &mut self.0.sequence
    }

    /// Opens `payload` in place; returns the inner content type and the content, padding removed.
    /// A record that does not authenticate leaves the sequence number as it was.
    ///
    /// # Errors
    /// [`Error::DecryptFailed`]; RFC 8446 §5.4: all zeros is unexpected_message, and a
    /// TLSInnerPlaintext of more than `max_inner_len` octets is record_overflow.
    pub(crate) fn open<'a>(
        &mut self,
        header: &[u8; HEADER_LEN],
        payload: &'a mut [u8],
        max_inner_len: usize,
    ) -> Result<(ContentType, &'a mut [u8])> {
        let sequence = self.0.sequence;
        let nonce = self.0.next_nonce()?;
        let opened = self.0.key.open(&nonce, header, payload);
        let len = opened.inspect_err(|_| self.0.sequence = sequence)?;
        let inner = payload.get(..len).unwrap_or_default();
        // RFC 8446 §5.2, RFC 8449 §4: padding is counted.
        if len > max_inner_len {
            return Err(InvalidMessage { what: "TLSInnerPlaintext", why: Malformed::RecordOverflow }.into());
        }
        let at = inner
            .iter()
            .rposition(|octet| *octet != 0)
            .ok_or(PeerMisbehaved::UnexpectedRecord("without a content type"))?;
        let content_type = ContentType(inner.get(at).copied().unwrap_or_default());
        Ok((content_type, payload.get_mut(..at).unwrap_or_default()))
    }
}

impl Direction {
    /// RFC 8446 §5.3: the nonce is the sequence number, padded and combined with the IV by XOR.
    fn next_nonce(&mut self) -> Result<[u8; NONCE_LEN]> {
        let sequence = self.sequence;
        self.sequence = sequence.checked_add(1).ok_or(Error::Internal("sequence number used up"))?;
        let mut nonce = *self.iv;
        for (octet, part) in nonce.iter_mut().rev().zip(sequence.to_le_bytes()) {
            *octet ^= part;
        }
        Ok(nonce)
    }
}

/// Appends unprotected records that carry `content` with this legacy_record_version.
pub(crate) fn write_plaintext_record(
    content_type: ContentType,
    version: ProtocolVersion,
    content: &[u8],
    out: &mut Vec<u8>,
) -> Result<()> {
    for fragment in content.chunks(MAX_FRAGMENT_LEN) {
        out.extend_from_slice(&header(content_type, version, fragment.len())?);
        out.extend_from_slice(fragment);
    }
    Ok(())
}

fn header(content_type: ContentType, version: ProtocolVersion, len: usize) -> Result<[u8; HEADER_LEN]> {
    let fits = u16::try_from(len).ok().filter(|_| len <= MAX_CIPHERTEXT_LEN);
    let [high, low] = fits.ok_or(Error::Internal("a record beyond its limit"))?.to_be_bytes();
    let [major, minor] = version.0.to_be_bytes();
    Ok([content_type.0, major, minor, high, low])
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::record::MAX_INNER_LEN;

    const ALGORITHMS: [AeadAlgorithm; 5] = [
        AeadAlgorithm::Aes128Gcm,
        AeadAlgorithm::Aes256Gcm,
        AeadAlgorithm::ChaCha20Poly1305,
        AeadAlgorithm::Aes128CbcHmacSha256,
        AeadAlgorithm::Aes256CbcHmacSha384,
    ];

    fn directions(algorithm: AeadAlgorithm) -> (Sealer, Opener) {
        let key = || AeadKey::new(algorithm, &vec![7; algorithm.key_len()]).unwrap();
        (Sealer::new(key(), [9; NONCE_LEN]), Opener::new(key(), [9; NONCE_LEN]))
    }

    fn open(opener: &mut Opener, record: &mut [u8]) -> Result<(ContentType, Vec<u8>)> {
        let (header, payload) = record.split_first_chunk_mut().unwrap();
        opener
            .open(header, payload, MAX_INNER_LEN)
            .map(|(content_type, content)| (content_type, content.to_vec()))
    }

    /// A record whose TLSInnerPlaintext is `inner`.
    fn sealed(sealer: &mut Sealer, inner: &[u8]) -> Vec<u8> {
        let len = sealer.0.key.algorithm().sealed_len(inner.len());
        let header = header(ContentType::APPLICATION_DATA, ProtocolVersion::TLS1_2, len).unwrap();
        let nonce = sealer.0.next_nonce().unwrap();
        let mut record = [&header[..], inner].concat();
        sealer.0.key.seal(&nonce, &header, &mut record, HEADER_LEN).unwrap();
        record
    }

    #[test]
    fn a_shape_keeps_to_the_peers_limit_and_pads_data_alone() {
        let limits =
            [(0, 1), (1, 1), (2, 1), (65, 64), (MAX_INNER_LEN, MAX_FRAGMENT_LEN), (65_535, MAX_FRAGMENT_LEN)];
        for (limit, fragment) in limits {
            let shape = RecordShape { padding: 9, ..RecordShape::default() };
            let limited = shape.limited_to(u16::try_from(limit).unwrap());
            assert_eq!((usize::from(limited.fragment), limited.padding), (fragment, 9));
        }
        assert_eq!(RecordShape { fragment: 10, padding: 0 }.limited_to(65).fragment, 10);

        let data = ContentType::APPLICATION_DATA;
        let padded = |padding, len| RecordShape { fragment: 100, padding }.padding_after(data, len);
        assert_eq!([padded(0, 5), padded(1, 5), padded(0, 0), padded(1, 0)], [0; 4]);
        assert_eq!([padded(2, 0), padded(2, 1), padded(2, 2), padded(2, 3)], [2, 1, 0, 1]);
        // No further than the record goes.
        assert_eq!([padded(64, 64), padded(64, 65), padded(64, 100), padded(200, 0)], [0, 35, 0, 100]);
        for other in [ContentType::HANDSHAKE, ContentType::ALERT] {
            assert_eq!(RecordShape { fragment: 100, padding: 64 }.padding_after(other, 5), 0);
        }
    }

    #[test]
    fn a_record_beyond_the_receivers_own_limit_is_an_overflow() {
        let (mut sealer, mut opener) = directions(AeadAlgorithm::Aes128Gcm);
        for (inner_len, fits) in [(64, true), (65, false)] {
            let mut record = sealed(&mut sealer, &vec![23; inner_len]);
            let (header, payload) = record.split_first_chunk_mut().unwrap();
            let opened = opener.open(header, payload, 64);
            assert_eq!(opened.is_ok(), fits);
            let overflow = InvalidMessage { what: "TLSInnerPlaintext", why: Malformed::RecordOverflow };
            assert_eq!(opened.err(), (!fits).then(|| overflow.into()));
        }
    }

    #[test]
    fn a_record_that_does_not_open_leaves_the_next_one_readable() {
        let (mut sealer, mut opener) = directions(AeadAlgorithm::ChaCha20Poly1305);
        let mut forged = sealed(&mut directions(AeadAlgorithm::ChaCha20Poly1305).0, b"forged\x17");
        forged[7] ^= 1;
        assert_eq!(open(&mut opener, &mut forged).unwrap_err(), Error::DecryptFailed);
        let mut record = sealed(&mut sealer, b"data\x17");
        assert_eq!(open(&mut opener, &mut record).unwrap().1, b"data");
    }

    #[test]
    fn what_was_sealed_opens_in_order_and_is_cut_at_the_limit() {
        for algorithm in ALGORITHMS {
            let (mut sealer, mut opener) = directions(algorithm);
            for len in [0, 1, 15, 16, 17, MAX_FRAGMENT_LEN] {
                let content = vec![0xA5; len];
                let mut record = Vec::new();
                sealer
                    .seal(ContentType::APPLICATION_DATA, &content, RecordShape::default(), &mut record)
                    .unwrap();
                assert!(record.len() <= HEADER_LEN + MAX_CIPHERTEXT_LEN);
                let opened = open(&mut opener, &mut record).unwrap();
                assert_eq!(opened, (ContentType::APPLICATION_DATA, content));
            }
            let mut records = Vec::new();
            sealer
                .seal(
                    ContentType::HANDSHAKE,
                    &vec![1; MAX_FRAGMENT_LEN + 1],
                    RecordShape::default(),
                    &mut records,
                )
                .unwrap();
            let second = HEADER_LEN + algorithm.sealed_len(MAX_FRAGMENT_LEN + 1);
            assert_eq!(open(&mut opener, &mut records[..second]).unwrap().1.len(), MAX_FRAGMENT_LEN);
            assert_eq!(open(&mut opener, &mut records[second..]).unwrap(), (ContentType::HANDSHAKE, vec![1]));
        }
    }

    #[test]
    fn padding_is_removed_and_a_record_of_padding_alone_is_refused() {
        let (mut sealer, mut opener) = directions(AeadAlgorithm::Aes128Gcm);
        let mut padded = sealed(&mut sealer, &[1, 2, 0, 23, 0, 0, 0]);
        assert_eq!(open(&mut opener, &mut padded).unwrap(), (ContentType(23), vec![1, 2, 0]));
        let error = open(&mut opener, &mut sealed(&mut sealer, &[0; 9])).unwrap_err();
        assert!(matches!(error, Error::PeerMisbehaved(PeerMisbehaved::UnexpectedRecord(_))));
        let error = open(&mut opener, &mut sealed(&mut sealer, &[])).unwrap_err();
        assert!(matches!(error, Error::PeerMisbehaved(PeerMisbehaved::UnexpectedRecord(_))));
    }

    #[test]
    fn an_inner_plaintext_beyond_the_limit_is_a_record_overflow() {
        let (mut sealer, mut opener) = directions(AeadAlgorithm::ChaCha20Poly1305);
        let error = open(&mut opener, &mut sealed(&mut sealer, &vec![23; MAX_FRAGMENT_LEN + 2])).unwrap_err();
        let overflow = InvalidMessage { what: "TLSInnerPlaintext", why: Malformed::RecordOverflow };
        assert_eq!(error, overflow.into());
    }

    #[test]
    fn the_sequence_number_does_not_wrap_and_keys_are_renewed_long_before() {
        for algorithm in ALGORITHMS {
            let (mut sealer, mut opener) = directions(algorithm);
            assert!(!sealer.needs_update());
            sealer.0.sequence = u64::MAX;
            opener.0.sequence = u64::MAX;
            assert!(sealer.needs_update());
            assert!(
                sealer.seal(ContentType::ALERT, &[1, 0], RecordShape::default(), &mut Vec::new()).is_err()
            );
            assert!(open(&mut opener, &mut [23, 3, 3, 0, 1, 0]).is_err());
        }
        let (mut sealer, _) = directions(AeadAlgorithm::Aes256Gcm);
        sealer.0.sequence = MAX_GCM_RECORDS;
        assert!(sealer.needs_update());
    }

    #[test]
    fn every_changed_octet_of_a_record_is_refused() {
        for algorithm in ALGORITHMS {
            let (mut sealer, _) = directions(algorithm);
            let mut record = Vec::new();
            sealer
                .seal(ContentType::APPLICATION_DATA, b"256345", RecordShape::default(), &mut record)
                .unwrap();
            for at in 0..record.len() {
                let mut changed = record.clone();
                changed[at] ^= 0x80;
                let error = open(&mut directions(algorithm).1, &mut changed).unwrap_err();
                assert_eq!(error, Error::DecryptFailed, "octet {at}");
            }
        }
    }
}
