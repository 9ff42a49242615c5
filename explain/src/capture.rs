//! What a capture file shows of TLS 1.3 connections, with the secrets of a key log.

use std::collections::BTreeMap;
use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use etherparse::{LaxSlicedPacket, TransportSlice};
use otls::internal::{Observer, Side};
use otls::{Secret, TRACE_VERSION, TraceLevel};
use pcap_parser::traits::PcapNGPacketBlock as _;
use pcap_parser::{Block, Linktype, PcapBlockOwned, PcapError, create_reader};
use serde_json::json;
use zeroize::Zeroizing;

use crate::Refused;
use crate::tcp::Direction;

/// Octets in the largest capture.
pub const MAX_CAPTURE_LEN: usize = 256 * 1024 * 1024;
/// The most connections that are looked at.
const MAX_CONNECTIONS: usize = 1000;
/// Octets of the reader's buffer: a packet is not longer.
const BUFFER: usize = 1 << 20;

/// The content type of a handshake record, and the major version (RFC 8446 §5.1).
const TLS: [u8; 2] = [22, 3];

/// The trace (docs/trace.md) of every TLS 1.3 connection in a capture file, pcap or pcapng, as a listener has it who
/// knows the secrets of `key_log` (RFC 9850). What it cannot know, such as the shared secret, it says so.
///
/// # Errors
/// What is no capture, one without a TLS connection, and a key log that is none.
pub fn capture(file: &[u8], key_log: &str) -> Result<Zeroizing<String>, Refused> {
    if file.len() > MAX_CAPTURE_LEN {
        let hint = "capture one connection: tcpdump -w FILE tcp port PORT";
        return Err(Refused::new("the capture has more than 256 MiB", hint));
    }
    let secrets = read_key_log(key_log)?;
    let lookup = |label: &str, random: &[u8; 32]| {
        secrets.get(&(label.to_owned(), *random)).map(|secret| Secret::from(secret.to_vec()))
    };
    let mut connections = Connections { lookup: &lookup, flows: BTreeMap::new(), order: Vec::new() };
    each_packet(file, |packet| connections.packet(packet))?;
    let mut text = Zeroizing::new(format!(
        "{}\n",
        json!({ "otls_trace": TRACE_VERSION, "party": "listener", "title": "a capture", "level": "secrets" })
    ));
    let mut found = 0;
    for key in core::mem::take(&mut connections.order) {
        let Some(mut flow) = connections.flows.remove(&key).filter(|flow| flow.is_tls) else { continue };
        let Some(lines) = flow.observer.take() else { continue };
        found += 1;
        let random = flow.observer.client_random().map(|random| hex(&random));
        let (client, server) = if flow.client_is_low { key } else { (key.1, key.0) };
        let about = format!("{client} connects to {server}");
        push(&mut text, &story(random.as_deref(), "connection", &about, flow.began));
        push(&mut text, &String::from_utf8_lossy(lines.expose()));
        if flow.low.has_gap() || flow.high.has_gap() {
            let about = "octets are missing in the capture: what comes after them cannot be read";
            push(&mut text, &story(random.as_deref(), "gap", about, flow.began));
        }
    }
    if found == 0 {
        let hint = "capture from before the connection begins, on the port of the server: tcpdump -i any -w FILE tcp port PORT";
        return Err(Refused::new("there is no beginning of a TLS connection in the capture", hint));
    }
    Ok(text)
}

fn story(random: Option<&str>, step: &str, about: &str, began: Duration) -> String {
    let time = began.as_secs_f64();
    format!(
        "{}\n",
        json!({ "event": "story", "connection": random, "step": step, "text": about, "time": time })
    )
}

/// Appends, and wipes what it grows out of.
fn push(text: &mut Zeroizing<String>, more: &str) {
    let len = text.len().saturating_add(more.len());
    if len > text.capacity() {
        let mut larger = Zeroizing::new(String::with_capacity(len.saturating_mul(2)));
        larger.push_str(text);
        *text = larger;
    }
    text.push_str(more);
}

/// By the lower and the higher address.
type Key = (SocketAddr, SocketAddr);

struct Flow<'a> {
    observer: Observer<'a>,
    client_is_low: bool,
    /// It has begun with a record of TLS.
    is_tls: bool,
    began: Duration,
    low: Direction,
    high: Direction,
}

struct Connections<'a> {
    lookup: &'a dyn Fn(&str, &[u8; 32]) -> Option<Secret>,
    flows: BTreeMap<Key, Flow<'a>>,
    order: Vec<Key>,
}

/// A TCP segment.
struct Packet<'a> {
    from: SocketAddr,
    to: SocketAddr,
    time: Duration,
    is_syn: bool,
    sequence: u32,
    data: &'a [u8],
}

impl Connections<'_> {
    fn packet(&mut self, packet: &Packet<'_>) {
        let from_is_low = packet.from < packet.to;
        let key = if from_is_low { (packet.from, packet.to) } else { (packet.to, packet.from) };
        if !self.flows.contains_key(&key) {
            // The first to speak is the client, where nobody has seen the SYN.
            if self.flows.len() >= MAX_CONNECTIONS || (!packet.is_syn && packet.data.is_empty()) {
                return;
            }
            let flow = Flow {
                observer: Observer::new(TraceLevel::Secrets, self.lookup),
                client_is_low: from_is_low,
                is_tls: false,
                began: packet.time,
                low: Direction::default(),
                high: Direction::default(),
            };
            self.flows.insert(key, flow);
            self.order.push(key);
        }
        let Some(flow) = self.flows.get_mut(&key) else { return };
        let direction = if from_is_low { &mut flow.low } else { &mut flow.high };
        if packet.is_syn {
            direction.synchronize(packet.sequence);
            return;
        }
        let octets = direction.segment(packet.sequence, packet.data);
        let side = if from_is_low == flow.client_is_low { Side::Client } else { Side::Server };
        if side == Side::Client && octets.starts_with(&TLS) {
            flow.is_tls = true;
        }
        if flow.is_tls {
            flow.observer.feed(side, &octets, packet.time);
        }
    }
}

/// Hands each TCP segment of the file to `take`.
fn each_packet(file: &[u8], mut take: impl FnMut(&Packet<'_>)) -> Result<(), Refused> {
    const HINT: &str = "give a file of tcpdump or Wireshark, pcap or pcapng";
    let unreadable = || Refused::new("the file is no capture, or is damaged", HINT);
    let mut reader = create_reader(BUFFER.max(file.len().min(BUFFER)), file).map_err(|_| unreadable())?;
    let mut legacy = Linktype::ETHERNET;
    let mut interfaces: Vec<(Linktype, u64, u64)> = Vec::new();
    let mut is_stuck = false;
    loop {
        match reader.next() {
            Ok((offset, block)) => {
                is_stuck = false;
                match block {
                    PcapBlockOwned::LegacyHeader(header) => legacy = header.network,
                    PcapBlockOwned::Legacy(packet) => {
                        let micros = u64::from(packet.ts_usec).min(999_999);
                        let time = Duration::from_secs(u64::from(packet.ts_sec));
                        let time = time.saturating_add(Duration::from_micros(micros));
                        if let Some(segment) = segment(legacy, packet.data, time) {
                            take(&segment);
                        }
                    }
                    PcapBlockOwned::NG(Block::SectionHeader(_)) => interfaces.clear(),
                    PcapBlockOwned::NG(Block::InterfaceDescription(interface)) => {
                        let resolution =
                            interface.ts_resolution().filter(|one| *one > 0).unwrap_or(1_000_000);
                        let offset = u64::try_from(interface.ts_offset()).unwrap_or_default();
                        interfaces.push((interface.linktype, offset, resolution));
                    }
                    PcapBlockOwned::NG(Block::EnhancedPacket(packet)) => {
                        let number = usize::try_from(packet.if_id).unwrap_or(usize::MAX);
                        if let Some((linktype, offset, resolution)) = interfaces.get(number) {
                            let time =
                                Duration::from_secs_f64(packet.decode_ts_f64(*offset, *resolution).max(0.0));
                            if let Some(segment) = segment(*linktype, packet.packet_data(), time) {
                                take(&segment);
                            }
                        }
                    }
                    PcapBlockOwned::NG(_) => {}
                }
                reader.consume(offset);
            }
            Err(PcapError::Eof) => return Ok(()),
            Err(PcapError::Incomplete(_)) if !is_stuck => {
                is_stuck = true;
                reader.refill().map_err(|_| unreadable())?;
            }
            // A capture that was ended in the middle of a packet has all those before it.
            Err(PcapError::Incomplete(_) | PcapError::UnexpectedEof) => return Ok(()),
            Err(_) => return Err(unreadable()),
        }
    }
}

/// The TCP segment in a packet of this kind of link; none where it is something else, or only a part of one.
fn segment<'a>(linktype: Linktype, data: &'a [u8], time: Duration) -> Option<Packet<'a>> {
    let sliced = match linktype {
        Linktype::ETHERNET => LaxSlicedPacket::from_ethernet(data).ok()?,
        // A header of BSD's loopback, of Linux "cooked" captures, and of the newer kind of these.
        Linktype::NULL | Linktype::LOOP => LaxSlicedPacket::from_ip(data.get(4..)?).ok()?,
        Linktype::LINUX_SLL => LaxSlicedPacket::from_ip(data.get(16..)?).ok()?,
        Linktype::LINUX_SLL2 => LaxSlicedPacket::from_ip(data.get(20..)?).ok()?,
        Linktype::RAW | Linktype::IPV4 | Linktype::IPV6 => LaxSlicedPacket::from_ip(data).ok()?,
        _ => return None,
    };
    let (from, to): (IpAddr, IpAddr) = match sliced.net? {
        etherparse::LaxNetSlice::Ipv4(ip) => {
            (ip.header().source_addr().into(), ip.header().destination_addr().into())
        }
        etherparse::LaxNetSlice::Ipv6(ip) => {
            (ip.header().source_addr().into(), ip.header().destination_addr().into())
        }
        _ => return None,
    };
    let TransportSlice::Tcp(tcp) = sliced.transport? else { return None };
    Some(Packet {
        from: SocketAddr::new(from, tcp.source_port()),
        to: SocketAddr::new(to, tcp.destination_port()),
        time,
        is_syn: tcp.syn(),
        sequence: tcp.sequence_number(),
        data: tcp.payload(),
    })
}

/// By label and the client's random.
type Secrets = BTreeMap<(String, [u8; 32]), Zeroizing<Vec<u8>>>;

/// RFC 9850 §2: a label, the client's random and a secret; comments begin with #.
fn read_key_log(text: &str) -> Result<Secrets, Refused> {
    let mut secrets = Secrets::new();
    for (number, line) in (1..).zip(text.lines()) {
        let line = line.trim();
        if line.is_empty() || line.starts_with('#') {
            continue;
        }
        let mut words = line.split_ascii_whitespace();
        let read = (|| {
            let (label, random, secret) = (words.next()?, octets(words.next()?)?, octets(words.next()?)?);
            // RSA of TLS 1.2 has something shorter there, and is passed over.
            Some((label.to_owned(), random.as_slice().try_into().ok(), secret))
        })();
        match read {
            Some((label, Some(random), secret)) => {
                secrets.insert((label, random), Zeroizing::new(secret));
            }
            Some((_, None, _)) => {}
            None => {
                let hint = "give the file that SSLKEYLOGFILE named, or that --key-log wrote";
                let what = format!("line {number} of the key log is not LABEL RANDOM SECRET, in hexadecimal");
                return Err(Refused::new(&what, hint));
            }
        }
    }
    Ok(secrets)
}

fn octets(text: &str) -> Option<Vec<u8>> {
    if !text.len().is_multiple_of(2) || !text.is_ascii() {
        return None;
    }
    (0..text.len()).step_by(2).map(|at| u8::from_str_radix(text.get(at..at + 2)?, 16).ok()).collect()
}

fn hex(octets: &[u8]) -> String {
    octets.iter().map(|octet| format!("{octet:02x}")).collect()
}
