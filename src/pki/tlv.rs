//! Elements of DER, written and read one by one.

use der::asn1::AnyRef;
use der::{Decode as _, Encode as _, Reader as _, SliceReader, Tag, Tagged as _};

/// One element.
pub(super) fn tlv(tag: Tag, content: &[u8]) -> der::Result<Vec<u8>> {
    AnyRef::new(tag, content)?.to_der()
}

/// What is in the one element that `bytes` are.
pub(super) fn open(bytes: &[u8], tag: Tag) -> der::Result<SliceReader<'_>> {
    let mut reader = SliceReader::new(bytes)?;
    let content = expect(&mut reader, tag)?;
    reader.finish()?;
    SliceReader::new(content)
}

/// The content of the next element, which must have this tag.
pub(super) fn expect<'a>(reader: &mut SliceReader<'a>, tag: Tag) -> der::Result<&'a [u8]> {
    let any = AnyRef::decode(reader)?;
    any.tag().assert_eq(tag)?;
    Ok(any.value())
}
