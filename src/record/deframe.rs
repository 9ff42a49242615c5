//! A byte stream cut into records (RFC 8446 §5.1), at most one held at a time.

use zeroize::Zeroizing;

use super::{HEADER_LEN, MAX_CIPHERTEXT_LEN, MAX_FRAGMENT_LEN};
use crate::codepoints::ContentType;
use crate::error::{InvalidMessage, Malformed, stranger};

/// Octets of buffer that a quiet connection keeps: enough for short messages to come and go without
/// an allocation each.
pub(crate) const KEPT_CAPACITY: usize = 512;

/// Collects one record; what is left of it when the connection is dropped is wiped.
#[derive(Default)]
pub(crate) struct Deframer {
    buffer: Zeroizing<Vec<u8>>,
}

/// A whole record; `payload` is decrypted in place.
pub(crate) struct Record<'a> {
    pub(crate) content_type: ContentType,
    /// The header, which is the associated data of a protected record.
    pub(crate) header: [u8; HEADER_LEN],
    pub(crate) payload: &'a mut [u8],
}

impl Deframer {
    /// Takes from the front of `input` what the current record still needs, and returns the number
    /// of octets taken. The header is checked as soon as it is complete, so that a length beyond
    /// MAX_FRAGMENT_LEN, or where the record may be protected beyond MAX_CIPHERTEXT_LEN, is refused
    /// before anything is allocated for it.
    pub(crate) fn feed(&mut self, input: &[u8], protected: bool) -> Result<usize, InvalidMessage> {
        let header_part = self.append(input, HEADER_LEN);
        let Some(header) = self.buffer.first_chunk() else { return Ok(header_part) };
        let (_, len) = checked(header, protected)?;
        let rest = input.get(header_part..).unwrap_or_default();
        Ok(header_part.saturating_add(self.append(rest, HEADER_LEN.saturating_add(len))))
    }

    /// The record, once it is complete.
    pub(crate) fn record(&mut self) -> Option<Record<'_>> {
        let (header, payload) = self.buffer.split_first_chunk_mut()?;
        let (content_type, len) = parse(header);
        let payload = payload.get_mut(..len)?;
        Some(Record { content_type, header: *header, payload })
    }

    /// Whether no record is begun.
    pub(crate) fn is_empty(&self) -> bool {
        self.buffer.is_empty()
    }

    /// Forgets the record that was just handled; its content, where it was protected, is wiped already.
    pub(crate) fn clear(&mut self) {
        self.buffer.clear();
    }

    /// Gives a buffer of more than `kept` octets back; call it when the connection may become idle.
    pub(crate) fn release(&mut self, kept: usize) {
        if self.buffer.is_empty() && self.buffer.capacity() > kept {
            self.buffer = Zeroizing::default();
        }
    }

    /// Octets of buffer.
    #[cfg(test)]
    pub(crate) fn capacity(&self) -> usize {
        self.buffer.capacity()
    }

    /// Appends from `input` until the buffer holds `target` octets; returns how many.
    fn append(&mut self, input: &[u8], target: usize) -> usize {
        let missing = target.saturating_sub(self.buffer.len()).min(input.len());
        self.buffer.extend_from_slice(input.get(..missing).unwrap_or_default());
        missing
    }
}

impl<'a> Record<'a> {
    /// The record at the front of `input`, where it is whole. Its header is checked before, as by
    /// [`Deframer::feed`].
    pub(crate) fn at_front(input: &'a mut [u8], protected: bool) -> Result<Option<Self>, InvalidMessage> {
        let Some((header, payload)) = input.split_first_chunk_mut() else { return Ok(None) };
        let header = *header;
        let (content_type, len) = checked(&header, protected)?;
        Ok(payload.get_mut(..len).map(|payload| Record { content_type, header, payload }))
    }
}

/// The type and the length that a header says, where there can be such a record.
fn checked(header: &[u8; HEADER_LEN], protected: bool) -> Result<(ContentType, usize), InvalidMessage> {
    let (content_type, len) = parse(header);
    if content_type.name().is_none() {
        return Err(match stranger::spoken(*header) {
            Some(what) => InvalidMessage { what, why: Malformed::NotTls },
            None => InvalidMessage { what: "record", why: Malformed::UnknownType },
        });
    }
    // RFC 8446 §5.2: a protected record says that it is application data.
    let protected = protected && content_type == ContentType::APPLICATION_DATA;
    if len > if protected { MAX_CIPHERTEXT_LEN } else { MAX_FRAGMENT_LEN } {
        return Err(InvalidMessage { what: "record", why: Malformed::RecordOverflow });
    }
    Ok((content_type, len))
}

fn parse(header: &[u8; HEADER_LEN]) -> (ContentType, usize) {
    // RFC 8446 §5.1: legacy_record_version is ignored.
    let &[content_type, _, _, high, low] = header;
    (ContentType(content_type), usize::from(u16::from_be_bytes([high, low])))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn feed_all(deframer: &mut Deframer, mut input: &[u8]) -> Vec<(ContentType, Vec<u8>)> {
        let mut records = Vec::new();
        while !input.is_empty() {
            let taken = deframer.feed(input, false).unwrap();
            input = &input[taken..];
            if let Some(record) = deframer.record() {
                records.push((record.content_type, record.payload.to_vec()));
                deframer.clear();
            }
        }
        records
    }

    #[test]
    fn records_come_out_whole_however_the_stream_is_cut() {
        let stream = [&[22, 3, 1, 0, 2, 7, 8][..], &[23, 9, 9, 0, 0], &[21, 3, 3, 0, 1, 5]].concat();
        let whole = feed_all(&mut Deframer::default(), &stream);
        assert_eq!(whole.iter().map(|(_, payload)| payload.len()).collect::<Vec<_>>(), [2, 0, 1]);
        for cut in 0..stream.len() {
            let mut deframer = Deframer::default();
            let mut records = feed_all(&mut deframer, &stream[..cut]);
            records.extend(feed_all(&mut deframer, &stream[cut..]));
            assert_eq!(records, whole, "cut at {cut}");
        }
    }

    #[test]
    fn a_length_beyond_the_limit_is_refused_with_the_header() {
        let cases = [
            (false, [23, 3, 3, 0x40, 0x01], true),
            (true, [23, 3, 3, 0x40, 0x01], false),
            (true, [23, 3, 3, 0x41, 0x01], true),
            (true, [22, 3, 3, 0x40, 0x01], true),
        ];
        for (protected, header, refused) in cases {
            let mut deframer = Deframer::default();
            assert_eq!(deframer.feed(&header, protected).is_err(), refused, "{header:?}");
            assert!(deframer.buffer.capacity() < 100, "nothing is allocated for what has not arrived");
        }
    }

    #[test]
    fn an_unknown_content_type_is_refused() {
        let error = Deframer::default().feed(b"\xff\xfd\x18\xff\xfd", false).unwrap_err();
        assert_eq!(error.why, Malformed::UnknownType);
        let error = Deframer::default().feed(b"GET / HTTP/1.1", false).unwrap_err();
        assert_eq!((error.what, error.why), ("HTTP", Malformed::NotTls));
    }

    #[test]
    fn what_was_begun_is_kept_and_so_is_a_small_buffer() {
        let mut deframer = Deframer { buffer: Vec::with_capacity(4 * KEPT_CAPACITY).into() };
        assert_eq!(deframer.feed(&[23, 3], false), Ok(2));
        deframer.release(KEPT_CAPACITY);
        assert_eq!(*deframer.buffer, [23, 3]);
        let mut deframer = Deframer { buffer: Vec::with_capacity(KEPT_CAPACITY).into() };
        deframer.release(KEPT_CAPACITY);
        assert_eq!(deframer.buffer.capacity(), KEPT_CAPACITY);
    }

    #[test]
    fn an_idle_deframer_keeps_little_memory() {
        let mut deframer = Deframer::default();
        let mut record = vec![23, 3, 3, 0x40, 0x00];
        record.resize(5 + MAX_FRAGMENT_LEN, 0);
        assert_eq!(feed_all(&mut deframer, &record).len(), 1);
        deframer.release(KEPT_CAPACITY);
        assert!(deframer.buffer.capacity() <= KEPT_CAPACITY);
    }
}
