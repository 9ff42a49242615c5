//! Several traces to one model: connections, what their two sides know, and everything in one order.

use std::collections::HashMap;

use serde_json::{Map, Value, json};

use super::connections::{Connection, Index, Known, connections};
use super::items::{Item, items};
use super::lanes::Lanes;
use super::merge::{Queue, order};
use super::read::{Event, File};
use super::side::At;
use crate::refused::Refused;

pub(crate) fn model(mut files: Vec<File>) -> Result<Value, Refused> {
    let mut lanes = Lanes::new(&files);
    let (mut connections, index) = connections(&files, &mut lanes)?;
    let own: Vec<_> = files.iter().map(|file| lanes.of_file(file)).collect();
    let (mut all, mut shown, mut waits) = (Vec::new(), HashMap::new(), HashMap::new());
    for (number, connection) in connections.iter().enumerate() {
        for sender in [0, 1] {
            all.extend(items(&files, &index, (number, connection), sender));
        }
    }
    for (number, item) in all.iter().enumerate() {
        if let Some(at) = item.sent.or(item.received) {
            shown.insert(at, number);
        }
        if let (Some(sent), Some(received)) = (item.sent, item.received) {
            waits.insert(received, sent);
        }
    }
    let queues = files.iter().map(Queue::new).collect();
    let ordered = order(queues, |file, position| waits.get(&(file, position)).copied());
    let mut steps = Vec::new();
    for at in ordered {
        let step = match shown.get(&at).and_then(|number| all.get(*number)) {
            Some(item) => {
                connections.get_mut(item.connection).map(|owner| wire_step(&mut files, item, owner))
            }
            None => local_step(&mut files, at, &own, (&index, &mut connections)),
        };
        steps.extend(step.map(Value::Object));
    }
    Ok(json!({
        "lanes": lanes.to_json(),
        "steps": steps,
        "connections": connections.into_iter().map(Connection::into_json).collect::<Vec<_>>(),
    }))
}

fn event(files: &[File], (file, position): At) -> Option<&Event> {
    files.get(file)?.events.get(position)
}

/// Takes members out of an event, for the page.
fn take(files: &mut [File], (file, position): At, names: &[&str]) -> Map<String, Value> {
    let event = files.get_mut(file).and_then(|file| file.events.get_mut(position));
    let Some(event) = event else { return Map::new() };
    let members = names.iter().filter_map(|name| event.members.remove_entry(*name));
    members.filter(|(_, value)| !value.is_null()).collect()
}

const OF_WIRE: &[&str] = &["name", "length", "secret", "octets", "omitted", "fields", "text"];

/// An arrow of the page.
fn wire_step(files: &mut [File], item: &Item, owner: &mut Connection) -> Map<String, Value> {
    let (sent, received) = (item.sent, item.received);
    let time = |at: Option<At>| at.and_then(|at| event(files, at)).and_then(Event::time);
    let times = (time(sent), time(received));
    let kind = sent.or(received).and_then(|at| event(files, at)).map(|event| event.name().to_owned());
    // A record without an item stands in `records` alone.
    let of_wire = if kind.as_deref() == Some("record") { &[] } else { OF_WIRE };
    let mut step = sent.or(received).map(|at| take(files, at, of_wire)).unwrap_or_default();
    if let Some(received) = received.filter(|_| sent.is_some()) {
        let arrived = take(files, received, OF_WIRE);
        if item.is_changed {
            step.insert("arrived".to_owned(), Value::Object(arrived));
        } else if step.get("length") == arrived.get("length") {
            for (name, value) in arrived {
                step.entry(name).or_insert(value);
            }
        }
    }
    if let Some((records, length)) = item.folded {
        step.insert("folded".to_owned(), records.into());
        step.insert("length".to_owned(), length.into());
    }
    let records: Vec<_> =
        item.records.iter().map(|at| record(files, *at, &step, item, &mut owner.known)).collect();
    let [client, server] = owner.lanes;
    let (from, to) = if item.sender == 0 { (client, server) } else { (server, client) };
    for (name, value) in [
        ("kind", json!(kind)),
        ("connection", item.connection.into()),
        ("sender", item.sender.into()),
        ("from", from.into()),
        ("to", to.into()),
        ("sent", json!(times.0)),
        ("received", json!(times.1)),
        ("told", json!([sent.is_some(), received.is_some()])),
        ("records", records.into()),
    ] {
        step.insert(name.to_owned(), value);
    }
    step
}

/// Puts a record into what is known of the connection, once; its number there.
fn record(files: &mut [File], at: At, step: &Map<String, Value>, item: &Item, known: &mut Known) -> usize {
    let is_alone = item.records.len() == 1;
    let number = known.records.len();
    if let Some(number) = known.places.get(&at) {
        return *number;
    }
    known.places.insert(at, number);
    let mut record = take(files, at, &["type", "length", "protection", "octets", "omitted"]);
    // The octets of a message are in the page once.
    let inside = step.get("octets").and_then(Value::as_str).filter(|octets| is_alone && !octets.is_empty());
    if let Some(Value::String(octets)) = record.get_mut("octets")
        && inside.is_some_and(|inside| octets.get(HEADER..) == Some(inside))
    {
        octets.truncate(HEADER);
        record.insert("is_plain".to_owned(), true.into());
    }
    known.records.push(record);
    number
}

/// The digits of a record's header.
const HEADER: usize = 10;

const LOCAL: &[&str] = &["secret", "signature", "agreed", "keys", "check", "state", "error", "story"];

/// What one party did by itself.
fn local_step(
    files: &mut [File],
    at: At,
    own: &[Option<usize>],
    (index, connections): (&Index, &mut Vec<Connection>),
) -> Option<Map<String, Value>> {
    let number = index.connection(at.0, at.1);
    let kind = event(files, at)?.name().to_owned();
    // What is on the wire belongs to its arrow, which may come later.
    if !LOCAL.contains(&&*kind) {
        return None;
    }
    let mut members = core::mem::take(&mut files.get_mut(at.0)?.events.get_mut(at.1)?.members);
    for name in ["event", "role", "connection"] {
        members.remove(name);
    }
    let party = own.get(at.0).copied().flatten();
    let mut owner = number.and_then(|number| connections.get_mut(number));
    let mut step = match (&*kind, owner.as_mut()) {
        ("secret", Some(owner)) => secret(members, party, &mut owner.known)?,
        ("signature", Some(owner)) => signature(members, party, &mut owner.known),
        ("agreed", Some(owner)) => {
            let time = members.remove("time");
            owner.known.agreed = Value::Object(members);
            time.map(|time| ("time".to_owned(), time)).into_iter().collect()
        }
        ("keys" | "check" | "state" | "error", Some(_)) | ("story", _) => members,
        _ => return None,
    };
    step.insert("kind".to_owned(), kind.into());
    step.insert("connection".to_owned(), json!(number));
    step.insert("party".to_owned(), json!(party));
    Some(step)
}

fn secret(
    mut members: Map<String, Value>,
    party: Option<usize>,
    known: &mut Known,
) -> Option<Map<String, Value>> {
    let name = members.get("name")?.as_str()?.to_owned();
    let time = members.remove("time");
    let number = *known.names.entry(name).or_insert(known.secrets.len());
    match known.secrets.get_mut(number) {
        None => {
            members.insert("known_to".to_owned(), json!([party]));
            known.secrets.push(members);
        }
        Some(first) => {
            if let Some(Value::Array(known_to)) = first.get_mut("known_to") {
                known_to.push(json!(party));
            }
            match (first.get("value"), members.remove("value")) {
                (None, Some(value)) => drop(first.insert("value".to_owned(), value)),
                (Some(one), Some(other)) if *one != other => {
                    drop(first.insert("differs".to_owned(), true.into()))
                }
                _ => {}
            }
        }
    }
    let time = time.map(|time| ("time".to_owned(), time));
    Some(time.into_iter().chain([("secret".to_owned(), number.into())]).collect())
}

/// Signatures of one connection that are compared: each side makes one.
const COMPARED: usize = 16;

/// A signature is made by one side and checked by the other.
fn signature(mut members: Map<String, Value>, party: Option<usize>, known: &mut Known) -> Map<String, Value> {
    let (time, result) = (members.remove("time"), members.remove("result").unwrap_or_default());
    members.remove("direction");
    let is_same = |one: &Map<String, Value>| {
        ["signer", "signed", "scheme"].iter().all(|name| one.get(*name) == members.get(*name))
    };
    let number = known.signatures.iter().take(COMPARED).position(is_same).unwrap_or(known.signatures.len());
    if number == known.signatures.len() {
        known.signatures.push(members);
    }
    if let Some(signature) = known.signatures.get_mut(number) {
        let (who, when) = if result == "made" { ("made_by", "made") } else { ("checked_by", "checked") };
        signature.insert(who.to_owned(), json!(party));
        signature.insert(when.to_owned(), json!(time));
        if result != "made" {
            signature.insert("result".to_owned(), result.clone());
        }
    }
    let time = time.map(|time| ("time".to_owned(), time));
    let step = [("signature".to_owned(), number.into()), ("result".to_owned(), result)];
    time.into_iter().chain(step).collect()
}
