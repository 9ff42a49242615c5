//! What a certificate may have thousands of, kept as it is encoded and read one by one: as values of x509-cert,
//! names of three octets take a hundred.

use der::asn1::{AnyRef, Ia5String, OctetString};
use der::{Decode as _, Header, Reader as _, SliceReader, Tag, TagNumber, Tagged as _};
use x509_cert::ext::pkix::name::GeneralName as X509GeneralName;
use x509_cert::name::Name;

/// The most elements (TLVs) of a certificate or request without what is in its extensions: a name has four for
/// each attribute.
pub(super) const MAX_ELEMENTS: usize = 1000;
/// The most elements of an extension, but for those that are kept as they are encoded; a distribution point has
/// five.
pub(super) const MAX_EXTENSION_ELEMENTS: usize = 128;

/// Whether DER has at most so many elements, those inside of others included; also where it is malformed,
/// which its parser says.
pub(super) fn has_at_most(most: usize, der: &[u8]) -> bool {
    // An element has two octets or more.
    if der.len() / 2 <= most {
        return true;
    }
    let mut rest = der;
    for _ in 0..=most {
        if rest.is_empty() {
            return true;
        }
        let Ok(mut reader) = SliceReader::new(rest) else { return true };
        let Ok(header) = Header::decode(&mut reader) else { return true };
        let is_entered = header.tag().is_constructed();
        if !is_entered && reader.read_slice(header.length()).is_err() {
            return true;
        }
        let read = usize::try_from(reader.position()).unwrap_or(usize::MAX);
        rest = rest.get(read..).unwrap_or_default();
    }
    false
}

/// GeneralNames (RFC 5280 §4.2.1.6), each of them well-formed.
#[derive(Default)]
pub(super) struct GeneralNames(Box<[u8]>);

/// One of them.
#[derive(Clone, Copy)]
pub(super) enum NameRef<'a> {
    Mailbox(&'a str),
    Dns(&'a str),
    Uri(&'a str),
    Address(&'a [u8]),
    /// The DER of a Name.
    Directory(&'a [u8]),
    /// The DER of a name of a kind that is not processed.
    Other(&'a [u8]),
}

impl GeneralNames {
    pub(super) fn of(extension: &[u8]) -> der::Result<Self> {
        let content = whole(extension, Tag::Sequence)?;
        let mut reader = SliceReader::new(content)?;
        while !reader.is_finished() {
            NameRef::decode(&mut reader)?.check()?;
        }
        Ok(Self(content.into()))
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = NameRef<'_>> {
        let mut reader = SliceReader::new(&self.0).ok();
        core::iter::from_fn(move || NameRef::decode(reader.as_mut()?).ok())
    }
}

impl<'a> NameRef<'a> {
    #[allow(clippy::wildcard_enum_match_arm, reason = "all other tags are other kinds")]
    fn decode(reader: &mut SliceReader<'a>) -> der::Result<Self> {
        let der = reader.tlv_bytes()?;
        let any = AnyRef::from_der(der)?;
        let ia5 = || core::str::from_utf8(any.value()).ok().filter(|text| text.is_ascii());
        let ia5 = || ia5().ok_or_else(|| any.tag().value_error());
        Ok(match any.tag() {
            MAILBOX => Self::Mailbox(ia5()?),
            DNS => Self::Dns(ia5()?),
            URI => Self::Uri(ia5()?),
            ADDRESS => Self::Address(any.value()),
            DIRECTORY => Self::Directory(any.value()),
            _ => Self::Other(der),
        })
    }

    /// As x509-cert has it.
    pub(super) fn to_x509(self) -> Option<X509GeneralName> {
        let ia5 = |text: &str| Ia5String::new(text).ok();
        Some(match self {
            Self::Mailbox(text) => X509GeneralName::Rfc822Name(ia5(text)?),
            Self::Dns(text) => X509GeneralName::DnsName(ia5(text)?),
            Self::Uri(text) => X509GeneralName::UniformResourceIdentifier(ia5(text)?),
            Self::Address(octets) => X509GeneralName::IpAddress(OctetString::new(octets).ok()?),
            Self::Directory(name) => X509GeneralName::DirectoryName(Name::from_der(name).ok()?),
            Self::Other(der) => X509GeneralName::from_der(der).ok()?,
        })
    }

    /// Whether x509-cert reads it.
    fn check(self) -> der::Result<()> {
        match self {
            Self::Directory(name) if has_at_most(MAX_ELEMENTS, name) => Name::from_der(name).map(|_| ()),
            Self::Other(name) if has_at_most(MAX_EXTENSION_ELEMENTS, name) => {
                X509GeneralName::from_der(name).map(|_| ())
            }
            Self::Directory(_) | Self::Other(_) => Err(der::ErrorKind::Overlength.into()),
            Self::Mailbox(_) | Self::Dns(_) | Self::Uri(_) | Self::Address(_) => Ok(()),
        }
    }
}

/// NameConstraints (RFC 5280 §4.2.1.10), each subtree well-formed: the contents of permittedSubtrees and
/// excludedSubtrees.
pub(super) struct Constraints {
    permitted: Box<[u8]>,
    excluded: Box<[u8]>,
}

/// GeneralSubtree.
pub(super) struct SubtreeRef<'a> {
    pub(super) base: NameRef<'a>,
    /// Whether minimum is 0 and maximum absent, as RFC 5280 has it of every certificate.
    pub(super) is_plain: bool,
}

impl Constraints {
    pub(super) fn of(extension: &[u8]) -> der::Result<Self> {
        let mut reader = SliceReader::new(whole(extension, Tag::Sequence)?)?;
        let mut subtrees = [Box::<[u8]>::default(), Box::default()];
        for (subtrees, number) in subtrees.iter_mut().zip(0..) {
            let tag = Tag::ContextSpecific { constructed: true, number: TagNumber(number) };
            if !reader.is_finished() && Header::peek(&reader)?.tag() == tag {
                *subtrees = AnyRef::decode(&mut reader)?.value().into();
            }
        }
        reader.finish()?;
        for subtrees in &subtrees {
            let mut reader = SliceReader::new(subtrees)?;
            while !reader.is_finished() {
                SubtreeRef::decode(&mut reader)?.base.check()?;
            }
        }
        let [permitted, excluded] = subtrees;
        Ok(Self { permitted, excluded })
    }

    pub(super) fn permitted(&self) -> impl Iterator<Item = SubtreeRef<'_>> {
        subtrees(&self.permitted)
    }

    pub(super) fn excluded(&self) -> impl Iterator<Item = SubtreeRef<'_>> {
        subtrees(&self.excluded)
    }
}

fn subtrees(content: &[u8]) -> impl Iterator<Item = SubtreeRef<'_>> {
    let mut reader = SliceReader::new(content).ok();
    core::iter::from_fn(move || SubtreeRef::decode(reader.as_mut()?).ok())
}

impl<'a> SubtreeRef<'a> {
    fn decode(reader: &mut SliceReader<'a>) -> der::Result<Self> {
        let subtree = AnyRef::decode(reader)?;
        subtree.tag().assert_eq(Tag::Sequence)?;
        let mut reader = SliceReader::new(subtree.value())?;
        let base = NameRef::decode(&mut reader)?;
        let mut is_plain = true;
        for (number, most) in [(0, 0), (1, -1)] {
            let tag = Tag::ContextSpecific { constructed: false, number: TagNumber(number) };
            if !reader.is_finished() && Header::peek(&reader)?.tag() == tag {
                let distance = AnyRef::decode(&mut reader)?;
                is_plain &= most == 0 && distance.value() == [0];
                if distance.value().is_empty() {
                    return Err(tag.length_error().into());
                }
            }
        }
        reader.finish()?;
        Ok(Self { base, is_plain })
    }
}

/// The content of the one element that `der` is.
fn whole(der: &[u8], tag: Tag) -> der::Result<&[u8]> {
    let any = AnyRef::from_der(der)?;
    any.tag().assert_eq(tag)?;
    Ok(any.value())
}

const fn context(number: u32, constructed: bool) -> Tag {
    Tag::ContextSpecific { constructed, number: TagNumber(number) }
}

const MAILBOX: Tag = context(1, false);
const DNS: Tag = context(2, false);
const DIRECTORY: Tag = context(4, true);
const URI: Tag = context(6, false);
const ADDRESS: Tag = context(7, false);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn elements_are_counted_through_and_through() {
        // SEQUENCE { SEQUENCE { NULL, NULL }, OCTET STRING { looks like a SEQUENCE } }
        let der = b"\x30\x0C\x30\x04\x05\x00\x05\x00\x04\x04\x30\x02\x05\x00";
        assert!(has_at_most(5, der) && !has_at_most(4, der));
        let many = [b"\x30\x82\x0F\xA0".to_vec(), b"\x05\x00".repeat(2000)].concat();
        assert!(has_at_most(2001, &many) && !has_at_most(2000, &many));
        assert!(has_at_most(1, b"") && has_at_most(1, b"\x30\x05\x05"));
    }

    #[test]
    fn what_x509_cert_refuses_is_refused() {
        assert!(GeneralNames::of(b"\x30\x03\x82\x01a").is_ok());
        for wrong in [
            b"\x31\x03\x82\x01a".as_slice(),
            b"\x30\x03\x82\x01\xE4",
            b"\x30\x03\x82\x02a",
            b"\x30\x03\xA3\x01a",
            b"\x30\x04\xA4\x02\x05\x00",
            b"\x30\x03\x82\x01aa",
        ] {
            assert!(GeneralNames::of(wrong).is_err(), "{wrong:02x?}");
        }
        assert!(Constraints::of(b"\x30\x07\xA1\x05\x30\x03\x82\x01b").is_ok());
        for wrong in [
            b"\x30\x07\xA2\x05\x30\x03\x82\x01b".as_slice(),
            b"\x30\x07\xA1\x05\x31\x03\x82\x01b",
            b"\x30\x09\xA1\x07\x30\x05\x82\x01b\x05\x00",
            b"\x30\x10\xA1\x05\x30\x03\x82\x01b\xA0\x05\x30\x03\x82\x01b",
        ] {
            assert!(Constraints::of(wrong).is_err(), "{wrong:02x?}");
        }
    }

    #[test]
    fn a_subtree_is_plain_without_distances() {
        for (subtree, is_plain) in [
            (b"\x30\x03\x82\x01b".as_slice(), true),
            (b"\x30\x06\x82\x01b\x80\x01\x00", true),
            (b"\x30\x06\x82\x01b\x80\x01\x01", false),
            (b"\x30\x06\x82\x01b\x81\x01\x00", false),
        ] {
            let mut reader = SliceReader::new(subtree).unwrap();
            assert_eq!(SubtreeRef::decode(&mut reader).unwrap().is_plain, is_plain, "{subtree:02x?}");
        }
    }
}
