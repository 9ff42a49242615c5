//! The entries of a revocation list, where they stand in its DER: a list may have a million of them, and takes
//! little more memory than its file.

use core::ops::Range;

use der::{Decode as _, Header, Reader as _, SliceReader, Tag};
use x509_cert::ext::Extension;
use x509_cert::ext::pkix::CrlReason;
use x509_cert::ext::pkix::name::GeneralName;
use x509_cert::time::Time;

use super::super::DistinguishedName;
use super::super::canonical::{CanonicalName, directory_name};
use super::super::encoded::{MAX_ELEMENTS, has_at_most};
use super::super::extensions::one_extension;
use super::scope::{CERTIFICATE_ISSUER, Scope, one, unknown_critical};
use crate::time::UnixTime;

/// The entries by serial number.
pub(super) struct Entries {
    /// Where each begins, in the order of serial numbers; of equal ones the last of the list first.
    sorted: Vec<u32>,
    /// From which entry on the certificates are those of another issuer, by the place of its name; in the
    /// list's order (RFC 5280 §5.3.3). Before the first they are the list's own issuer's.
    issuers: Vec<(u32, Range<u32>)>,
}

impl Entries {
    /// Reads revokedCertificates, the content of which is at `place` of `der`, and notes in `scope` what is
    /// not understood of them. `None` where they are malformed.
    pub(super) fn of(der: &[u8], place: Range<usize>, scope: &mut Scope) -> Option<Self> {
        let mut entries = Self { sorted: Vec::new(), issuers: Vec::new() };
        let mut cursor = Cursor::new(der, place);
        while !cursor.is_finished() {
            let entry = Entry::read(&mut cursor)?;
            let at = u32::try_from(entry.at).ok()?;
            Time::from_der(der.get(entry.date.clone())?).ok()?;
            entries.sorted.push(at);
            let Some(extensions) = entry.extensions(der)? else { continue };
            if let Some(names) = one(&extensions, CERTIFICATE_ISSUER)? {
                // RFC 5280 §5.3.3: always critical.
                if !names.critical {
                    return None;
                }
                entries.issuers.push((at, entry.issuer(der)?));
            }
            scope.unknown_critical = scope.unknown_critical.or_else(|| unknown_critical(&extensions));
            one_extension::<CrlReason>(&extensions).ok()?;
        }
        entries.sorted.sort_unstable_by(|a, b| serial_at(der, *a).cmp(serial_at(der, *b)).then(b.cmp(a)));
        Some(entries)
    }

    pub(super) fn len(&self) -> usize {
        self.sorted.len()
    }

    /// Whether the certificate of `issuer` with this serial number (content of the INTEGER) is revoked:
    /// `Some(false)` for a delta list's removeFromCRL, `None` where it is not named. `own` is the list's issuer.
    pub(super) fn revokes(
        &self,
        der: &[u8],
        serial: &[u8],
        issuer: &DistinguishedName,
        own: &DistinguishedName,
    ) -> Option<bool> {
        let from = self.sorted.partition_point(|at| serial_at(der, *at) < serial);
        let same = self.sorted.get(from..)?.iter().take_while(|at| serial_at(der, **at) == serial);
        let of_issuer = |at: &&u32| match self.issuer_of(der, **at) {
            Some(name) => CanonicalName::of_der(name).as_ref() == Some(issuer.canonical()),
            None => own == issuer,
        };
        let at = same.into_iter().find(of_issuer)?;
        // What was read once reads again; an entry that did not would count as one that revokes.
        let removed = || {
            let at = usize::try_from(*at).ok()?;
            let entry = Entry::read(&mut Cursor::new(der, at..der.len()))?;
            Some(entry.reason(der)? == Some(CrlReason::RemoveFromCRL))
        };
        Some(!removed().unwrap_or(false))
    }

    /// Who has issued the certificate of the entry at `at`, where it is not the list's own issuer; DER.
    fn issuer_of<'a>(&self, der: &'a [u8], at: u32) -> Option<&'a [u8]> {
        let behind = self.issuers.partition_point(|(from, _)| *from <= at);
        let (_, name) = self.issuers.get(behind.checked_sub(1)?)?;
        der.get(usize::try_from(name.start).ok()?..usize::try_from(name.end).ok()?)
    }
}

/// Where the parts of an entry are.
pub(super) struct Entry {
    at: usize,
    pub(super) serial: Range<usize>,
    date: Range<usize>,
    extensions: Option<Range<usize>>,
}

impl Entry {
    pub(super) fn read(cursor: &mut Cursor<'_>) -> Option<Self> {
        let (tag, whole, content) = cursor.element()?;
        let mut inside = Cursor::new(cursor.der, content);
        let serial = inside.content(Tag::Integer)?;
        let octets = inside.der.get(serial.clone())?;
        let is_minimal = match octets {
            [0, second, ..] => *second >= 0x80,
            [0xFF, second, ..] => *second < 0x80,
            octets => !octets.is_empty(),
        };
        if tag != Tag::Sequence || !is_minimal || octets.len() > MAX_SERIAL_LEN {
            return None;
        }
        let date = inside.whole()?;
        let extensions = if inside.is_finished() { None } else { Some(inside.whole()?) };
        inside.is_finished().then_some(Self { at: whole.start, serial, date, extensions })
    }

    /// When it was revoked.
    pub(super) fn revoked_at(&self, der: &[u8]) -> Option<UnixTime> {
        let date = Time::from_der(der.get(self.date.clone())?).ok()?;
        Some(UnixTime(date.to_unix_duration().as_secs()))
    }

    /// `Some(None)` where the entry gives none.
    pub(super) fn reason(&self, der: &[u8]) -> Option<Option<CrlReason>> {
        match self.extensions(der)? {
            Some(extensions) => one_extension::<CrlReason>(&extensions).ok(),
            None => Some(None),
        }
    }

    fn extensions(&self, der: &[u8]) -> Option<Option<Vec<Extension>>> {
        match &self.extensions {
            Some(place) => {
                let octets = der.get(place.clone()).filter(|octets| has_at_most(MAX_ELEMENTS, octets))?;
                Vec::<Extension>::from_der(octets).ok().map(Some)
            }
            None => Some(None),
        }
    }

    /// Where the name in the entry's certificateIssuer is.
    fn issuer(&self, der: &[u8]) -> Option<Range<u32>> {
        let mut list = Cursor::new(der, self.extensions.clone()?);
        let mut extensions = Cursor::new(der, list.content(Tag::Sequence)?);
        while !extensions.is_finished() {
            let mut extension = Cursor::new(der, extensions.content(Tag::Sequence)?);
            let id = extension.whole()?;
            if CERTIFICATE_ISSUER.as_bytes() != der.get(id)?.get(2..)? {
                continue;
            }
            extension.content(Tag::Boolean)?;
            let mut value = Cursor::new(der, extension.content(Tag::OctetString)?);
            let mut names = Cursor::new(der, value.content(Tag::Sequence)?);
            while !names.is_finished() {
                let (place, content) = names.element().map(|(_, whole, content)| (whole, content))?;
                let name = der.get(place).filter(|name| has_at_most(MAX_ELEMENTS, name))?;
                let name = GeneralName::from_der(name).ok()?;
                if directory_name(&name).is_some() {
                    return Some(u32::try_from(content.start).ok()?..u32::try_from(content.end).ok()?);
                }
            }
        }
        None
    }
}

/// The serial number of the entry at `at`, which [`Entry::read`] has read: its length is one octet.
fn serial_at(der: &[u8], at: u32) -> &[u8] {
    let entry = usize::try_from(at).ok().and_then(|at| der.get(at..)).unwrap_or_default();
    let content = match entry {
        [_, 0..=0x7F, content @ ..]
        | [_, 0x81, _, content @ ..]
        | [_, 0x82, _, _, content @ ..]
        | [_, 0x83, _, _, _, content @ ..]
        | [_, 0x84, _, _, _, _, content @ ..] => content,
        _ => &[],
    };
    match content {
        [_, len, rest @ ..] => rest.get(..usize::from(*len)).unwrap_or_default(),
        _ => &[],
    }
}

/// RFC 5280 §4.1.2.2: 20 octets; one more where the INTEGER of a number with a high first bit has it.
const MAX_SERIAL_LEN: usize = 21;

/// Elements of DER one after the other, by where they are.
pub(super) struct Cursor<'a> {
    der: &'a [u8],
    place: Range<usize>,
}

impl<'a> Cursor<'a> {
    pub(super) const fn new(der: &'a [u8], place: Range<usize>) -> Self {
        Self { der, place }
    }

    pub(super) const fn is_finished(&self) -> bool {
        self.place.start >= self.place.end
    }

    /// The next element: its tag, where it is, and where its content.
    fn element(&mut self) -> Option<(Tag, Range<usize>, Range<usize>)> {
        let mut reader = SliceReader::new(self.der.get(self.place.clone())?).ok()?;
        let header = Header::decode(&mut reader).ok()?;
        let begin = self.place.start;
        let start = begin.checked_add(usize::try_from(reader.position()).ok()?)?;
        let end = start.checked_add(usize::try_from(header.length()).ok()?)?;
        if end > self.place.end {
            return None;
        }
        self.place.start = end;
        Some((header.tag(), begin..end, start..end))
    }

    /// Where the content of the next element is, which has to have this tag.
    pub(super) fn content(&mut self, tag: Tag) -> Option<Range<usize>> {
        let (found, _, content) = self.element()?;
        (found == tag).then_some(content)
    }

    /// Where the next element is.
    pub(super) fn whole(&mut self) -> Option<Range<usize>> {
        self.element().map(|(_, whole, _)| whole)
    }

    pub(super) fn next_is(&self, tag: Tag) -> bool {
        let rest = self.der.get(self.place.clone()).unwrap_or_default();
        SliceReader::new(rest).is_ok_and(|reader| Header::peek(&reader).is_ok_and(|next| next.tag() == tag))
    }
}
