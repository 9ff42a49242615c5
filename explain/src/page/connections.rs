//! The connections that the traces tell of, and which events are whose.

use std::collections::HashMap;

use serde_json::{Map, Value, json};

use super::lanes::{LISTENER, Lanes};
use super::read::{Event, File};
use crate::refused::Refused;

pub(crate) const ROLES: [&str; 2] = ["client", "server"];

/// A connection. Of pairs the client's is the first.
pub(crate) struct Connection {
    id: String,
    /// The files of the two sides.
    pub(crate) files: [Option<usize>; 2],
    pub(crate) lanes: [usize; 2],
    /// Whether it was read from a capture.
    is_heard: bool,
    pub(crate) known: Known,
}

/// What both sides know, told once.
#[derive(Default)]
pub(crate) struct Known {
    pub(crate) agreed: Value,
    pub(crate) secrets: Vec<Map<String, Value>>,
    /// Where in `secrets` each name is.
    pub(crate) names: HashMap<String, usize>,
    pub(crate) signatures: Vec<Map<String, Value>>,
    pub(crate) records: Vec<Map<String, Value>>,
    /// Where in `records` that of an event is, by file and position.
    pub(crate) places: HashMap<(usize, usize), usize>,
}

/// Which events belong to which connection.
#[derive(Default)]
pub(crate) struct Index {
    /// By file and position.
    of_event: Vec<Vec<Option<usize>>>,
    /// By file and connection: positions.
    events: HashMap<(usize, usize), Vec<usize>>,
}

impl Index {
    pub(crate) fn connection(&self, file: usize, position: usize) -> Option<usize> {
        self.of_event.get(file).and_then(|of| of.get(position)).copied().flatten()
    }

    /// What this file tells of this connection.
    pub(crate) fn told<'a>(
        &'a self,
        files: &'a [File],
        file: Option<usize>,
        connection: usize,
    ) -> impl Iterator<Item = (usize, &'a Event)> {
        let positions = file.and_then(|file| self.events.get(&(file, connection))).into_iter().flatten();
        let events =
            file.and_then(|file| files.get(file)).map(|file| file.events.as_slice()).unwrap_or_default();
        positions.filter_map(|position| events.get(*position).map(|event| (*position, event)))
    }

    fn put(&mut self, file: usize, positions: impl Iterator<Item = usize>, connection: usize) {
        let of_connection = self.events.entry((file, connection)).or_default();
        for position in positions {
            of_connection.push(position);
            if let Some(place) = self.of_event.get_mut(file).and_then(|of| of.get_mut(position)) {
                *place = Some(connection);
            }
        }
    }
}

/// All connections, in the order in which they are named first.
pub(crate) fn connections(files: &[File], lanes: &mut Lanes) -> Result<(Vec<Connection>, Index), Refused> {
    let mut all: Vec<Connection> = Vec::new();
    let mut by_id: HashMap<&str, usize> = HashMap::new();
    let mut index = Index::default();
    let mut roleless = Vec::new();
    for (number, file) in files.iter().enumerate() {
        index.of_event.push(vec![None; file.events.len()]);
        // What came before a ClientHello belongs to the connection that is new next.
        let mut nameless: Vec<usize> = Vec::new();
        for (position, event) in file.events.iter().enumerate() {
            let id = event.text("connection");
            let Some(side) = ROLES.iter().position(|role| *role == event.text("role")) else {
                if !id.is_empty() {
                    roleless.push((number, position, id));
                }
                continue;
            };
            if id.is_empty() {
                nameless.push(position);
                continue;
            }
            let connection = *by_id.entry(id).or_insert_with(|| {
                all.push(Connection::new(id));
                all.len().saturating_sub(1)
            });
            let Some(told) = all.get_mut(connection).and_then(|one| one.files.get_mut(side)) else {
                continue;
            };
            match told {
                Some(first) if *first != number => {
                    let what = format!(
                        "trace {} has told of the same side of this connection",
                        first.saturating_add(1)
                    );
                    let hint = "give each trace once, and of one connection the client's and the server's";
                    return Err(Refused::new(&what, hint).at(number, event.line));
                }
                Some(_) => {}
                None => {
                    *told = Some(number);
                    index.put(number, nameless.drain(..), connection);
                }
            }
            index.put(number, [position].into_iter(), connection);
        }
        if let Some(first) = nameless.first().and_then(|position| file.events.get(*position)) {
            let mut connection = Connection::new("");
            connection.files = ROLES.map(|role| (role == first.text("role")).then_some(number));
            index.put(number, nameless.drain(..), all.len());
            all.push(connection);
        }
    }
    for (number, position, id) in roleless {
        if let Some(connection) = by_id.get(id) {
            index.put(number, [position].into_iter(), *connection);
        }
    }
    for (number, connection) in all.iter_mut().enumerate() {
        let mut files_of = connection.files.iter().flatten().filter_map(|file| files.get(*file));
        connection.is_heard = files_of.any(|file| file.party == LISTENER);
        connection.lanes = [0, 1].map(|side| lane(lanes, files, (number, connection), side, &index));
    }
    Ok((all, index))
}

/// Who is the client (0) or the server (1); somebody without a trace has the name that the other side has for him.
fn lane(
    lanes: &mut Lanes,
    files: &[File],
    (number, connection): (usize, &Connection),
    side: usize,
    index: &Index,
) -> usize {
    let [client, server] = connection.files;
    let (mine, other) = if side == 0 { (client, server) } else { (server, client) };
    if let Some(own) = mine.and_then(|file| files.get(file)).and_then(|file| lanes.of_file(file)) {
        return own;
    }
    // Of who tells, what is sent is its own.
    let is_own = mine.is_some();
    let (mut signer, mut asked) = (None, None);
    for (_, event) in index.told(files, mine.or(other), number) {
        if event.name() == "signature" && (event.text("direction") == "sent") == is_own {
            signer = Some(event.text("signer"));
        } else if side == 1 && event.text("name") == "ClientHello" {
            asked = event.get("fields").and_then(host_name);
        }
    }
    lanes.absent(if side == 0 { "client" } else { "server" }, signer.or(asked))
}

/// The name that a ClientHello asks for (RFC 6066 §3).
fn host_name(fields: &Value) -> Option<&str> {
    fields.as_array()?.iter().find_map(|field| {
        if field.get("name").and_then(Value::as_str) == Some("host_name") {
            return field.get("value").and_then(Value::as_str);
        }
        field.get("fields").and_then(host_name)
    })
}

impl Connection {
    fn new(id: &str) -> Self {
        Self {
            id: id.to_owned(),
            files: [None, None],
            lanes: [0, 0],
            is_heard: false,
            known: Known::default(),
        }
    }

    pub(crate) fn into_json(self) -> Value {
        let Known { agreed, secrets, signatures, records, .. } = self.known;
        json!({
            "id": self.id,
            "lanes": self.lanes,
            "told": self.files.map(|file| file.is_some() && !self.is_heard),
            "is_heard": self.is_heard,
            "agreed": agreed,
            "secrets": secrets,
            "signatures": signatures,
            "records": records,
        })
    }
}
