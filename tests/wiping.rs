//! What was decrypted and is given back to the allocator is wiped first. A program of its own, because it looks
//! at every block that is freed.
#![allow(unsafe_code, clippy::unwrap_used, clippy::indexing_slicing, missing_docs)]

mod common;

use std::alloc::{GlobalAlloc, Layout, System};
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use common::{World, deliver, transfer};
use otls::crypto::SystemRandom;
use otls::crypto::hash::HashAlgorithm;
use otls::pki::{
    Authority, DistinguishedName, Identity, KeyType, Pkcs12, Pkcs12Mac, Pkcs12Options, PrivateKey, Validity,
};
use otls::{Connection, Error, UnixTime};

/// The system's allocator, which counts the freed blocks that hold the marker while it is asked to.
struct Watching;

/// In the plaintext, and nowhere else but in this program's own constant.
const MARKER: [u8; 16] = *b"six digits 25634";

/// The same in UTF-16, which PKCS#12 has of a password.
const WIDE: [u8; 32] = *b"\0s\0i\0x\0 \0d\0i\0g\0i\0t\0s\0 \x002\x005\x006\x003\x004";

/// One test at a time: all blocks of the program are looked at.
static ALONE: Mutex<()> = Mutex::new(());
static WATCHED: AtomicBool = AtomicBool::new(false);
static FOUND: AtomicUsize = AtomicUsize::new(0);

// SAFETY: both calls go to the system's allocator as they are; a block is read before it is freed, within the
// length that it was allocated with, as octets.
unsafe impl GlobalAlloc for Watching {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        // SAFETY: the caller keeps the rules of `alloc`. Zeroed, so that every octet may be read when it is freed.
        unsafe { System.alloc_zeroed(layout) }
    }

    unsafe fn dealloc(&self, block: *mut u8, layout: Layout) {
        if WATCHED.load(Ordering::Relaxed) {
            // SAFETY: the block is still allocated, is of this length, and was zeroed when it was new.
            let octets = unsafe { std::slice::from_raw_parts(block, layout.size()) };
            if octets.windows(MARKER.len()).any(|window| window == MARKER)
                || octets.windows(WIDE.len()).any(|window| window == WIDE)
            {
                FOUND.fetch_add(1, Ordering::Relaxed);
            }
        }
        // SAFETY: the caller keeps the rules of `dealloc`.
        unsafe { System.dealloc(block, layout) }
    }
}

#[global_allocator]
static ALLOCATOR: Watching = Watching;

/// Freed blocks with the marker while `work` runs.
fn found(work: impl FnOnce()) -> usize {
    FOUND.store(0, Ordering::Relaxed);
    WATCHED.store(true, Ordering::Relaxed);
    work();
    WATCHED.store(false, Ordering::Relaxed);
    FOUND.load(Ordering::Relaxed)
}

/// A client with `len` octets, of which all but `opened` were never taken.
fn undelivered(world: &World, len: usize, opened: usize) -> Connection {
    let mut pair = world.pair().established();
    pair.server.seal(&MARKER.repeat(len / MARKER.len())).unwrap();
    transfer(&mut pair.server, &mut pair.client).unwrap();
    pair.client.read(&mut vec![0; opened]);
    assert_eq!(pair.client.available(), len - opened);
    pair.client
}

#[test]
fn undelivered_plaintext_is_wiped_when_the_connection_ends_in_any_way() {
    let _alone = ALONE.lock().unwrap();
    let world = World::new(KeyType::EcdsaP256);
    assert_eq!(found(|| drop(MARKER.to_vec())), 1, "the check does not see a block that is not wiped");
    for len in [64, 16_384] {
        let client = undelivered(&world, len, 0);
        assert_eq!(found(|| drop(client)), 0, "dropped");
        let client = undelivered(&world, len, 32);
        assert_eq!(found(|| drop(client)), 0, "dropped with a part that was taken");
        let mut client = undelivered(&world, len, 0);
        let failed = found(|| assert_eq!(client.feed_end(), Err(Error::Truncated)));
        assert_eq!((failed, client.available()), (0, 0), "failed");
        assert_eq!(found(|| drop(client)), 0, "dropped after it failed");
    }
    // What is sealed is encrypted where it will be sent from, however often that has to grow.
    let mut pair = world.pair().established();
    let plaintext = MARKER.repeat(10_000);
    assert_eq!(found(|| (0..5).for_each(|_| pair.server.seal(&plaintext).unwrap())), 0, "sealed");
    assert_eq!(found(|| drop(pair.server)), 0, "dropped before it was sent");
    // What was delivered, in records of all sizes, leaves nothing in the connection's own buffers either.
    let mut pair = world.pair().established();
    let mut received = deliver(&mut pair.server, &mut pair.client, &MARKER.repeat(4_096));
    received.fill(0);
    assert_eq!(found(|| drop(pair.client)), 0);
}

/// PKCS#8 of a P-256 key whose private octets are the marker twice.
fn marked_key() -> Vec<u8> {
    let head = b"\x30\x41\x02\x01\x00\x30\x13\x06\x07\x2A\x86\x48\xCE\x3D\x02\x01\x06\x08\x2A\x86\x48\xCE\x3D\x03\x01\x07\x04\x27\x30\x25\x02\x01\x01\x04\x20";
    [head.as_slice(), &MARKER, &MARKER].concat()
}

#[test]
fn a_private_key_is_wiped_where_a_pkcs12_file_is_read_and_written() {
    let _alone = ALONE.lock().unwrap();
    let key = PrivateKey::load(&marked_key(), None).unwrap();
    let name = DistinguishedName::with_common_name("marked");
    let validity = Validity::days(UnixTime(1_800_000_000), 1);
    let authority = Authority::create(key, &name, HashAlgorithm::Sha256, validity, &SystemRandom).unwrap();
    let key = PrivateKey::load(&marked_key(), None).unwrap();
    let identity = Identity::new(authority.certificate().clone().into(), key).unwrap();
    for mac in [Pkcs12Mac::HmacSha256, Pkcs12Mac::Pbmac1] {
        let mut file = Vec::new();
        let options = Pkcs12Options::new().with_mac(mac);
        let write = || file = identity.to_pkcs12(b"password", &options, &SystemRandom).unwrap();
        assert_eq!(found(write), 0, "written");
        let read = || drop(Identity::load(&file, Some(b"password")).unwrap());
        assert_eq!(found(read), 0, "read");
        assert_eq!(found(|| drop(Pkcs12::load(&file, b"wrong").err().unwrap())), 0, "refused");
        file.truncate(file.len() - 1);
        assert_eq!(found(|| drop(Identity::load(&file, Some(b"password")).err().unwrap())), 0, "cut short");
    }
    // The password too, in the form that RFC 7292 has of it.
    let mut file = Vec::new();
    assert_eq!(found(|| drop(WIDE.to_vec())), 1, "the check does not see a block that is not wiped");
    let write = || file = identity.to_pkcs12(&MARKER, &Pkcs12Options::new(), &SystemRandom).unwrap();
    assert_eq!(found(write), 0, "the password, written");
    let read = || drop(Identity::load(&file, Some(&MARKER)).unwrap());
    assert_eq!(found(read), 0, "the password, read");
}
