//! Drivers: a connection over a socket, for threads ([`Stream`]) and for tokio ([`AsyncStream`], feature
//! `tokio`). They alone read a clock and carry octets; whoever has another runtime does with a
//! [`Connection`](crate::Connection) what they do.
//!
//! # What a stream promises
//!
//! - One thread or task may write while another reads, and nothing stalls, whatever the peer does. No lock is held
//!   while anybody waits for the socket. What reading causes to be sent (answers to KeyUpdate, alerts) goes out
//!   with whoever may send next.
//! - Buffers are bounded: less than 256 KiB are sealed and not sent, at most 64 KiB have arrived and are not taken.
//!   An idle stream keeps no buffer.
//! - [`Timeouts`] bound the handshake, each read, each write and the whole, and no trickle of octets extends them.
//!   A [`Timeout`] says what was waited for, how long, and how much had come and gone. After one in the handshake
//!   the connection is over; after one in a read it goes on; after one in a write nothing can be written any more.
//! - `close_write` (`poll_shutdown`) says close_notify and ends our direction; reading goes on to the peer's
//!   close_notify, which is the end of the data. An end without close_notify is an error, [`Error::Truncated`]
//!   with the kind `UnexpectedEof`, and never the end of the data.
//! - `close` says close_notify and waits at most a second for the peer's end. A stream that is dropped without it,
//!   by an error, a panic or a cancelled task, ends as something that was cut; so does one in which a write was given
//!   up before it was done, whatever is called then.
//! - `pending` says what can be read without waiting, for whoever waits with `poll`, `select` or `epoll`.
//! - A [`Handle`] closes or aborts a stream from another thread or task, and wakes whoever waits. `peer_is_gone`
//!   notices a peer that has hung up while nobody reads.
//! - Signals lose no data and extend no deadline. A call that was cancelled or timed out has taken nothing.
//! - A forked child's copy refuses, as [`Connection`](crate::Connection) says, and never touches the socket.
//! - A connection that fails tells the peer why before its socket closes, and an alert that the peer sent before
//!   it reset the connection is the error, not the broken pipe.
//!
//! Every error is a [`std::io::Error`]; those of this library are inside, as `From<otls::Error>` says.

mod clock;
mod engine;
mod failure;
mod paused;
mod timeouts;
mod told;

#[cfg(unix)]
mod blocking;
#[cfg(unix)]
mod transport;

#[cfg(feature = "tokio")]
mod asynchronous;

#[cfg(feature = "tokio")]
pub use asynchronous::{AsyncHandle, AsyncStream};
#[cfg(unix)]
pub use blocking::{Handle, ReadHalf, Stream, WriteHalf};
pub use clock::now;
pub use timeouts::{Timeout, Timeouts, Waiting};
#[cfg(unix)]
pub use transport::{Plain, Readiness, Transport};

use crate::error::Error;

/// Why a stream does not work in a child.
fn elsewhere() -> std::io::Error {
    Error::misuse(
        "a stream of the process that this one was forked from",
        "accept or connect after fork(), in the process that uses it",
    )
    .into()
}
