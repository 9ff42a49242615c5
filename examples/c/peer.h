/*
 * A TLS connection over a POSIX socket.
 *
 * The library does no I/O. All of it is here: `peer_flush` writes what is pending, `peer_fill` feeds what
 * arrived, and `peer_wait` does both until the connection is in a wanted state.
 */
#ifndef OTLS_EXAMPLES_PEER_H
#define OTLS_EXAMPLES_PEER_H

#include "common.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

/* How long one operation may wait for the peer, however many reads it takes. */
enum { TIMEOUT_SECONDS = 30 };

struct peer {
    int socket;
    otls_connection *connection;
    otls_otp_channel *channel;
    /* When the operation that goes on has to be over, in seconds of the clock that nobody sets. */
    time_t deadline;
    /* What has arrived and is not fed yet. */
    uint8_t arrived[16384];
    size_t arrived_len;
};

static inline time_t monotonic(void) {
    struct timespec clock;
    return clock_gettime(CLOCK_MONOTONIC, &clock) ? 0 : clock.tv_sec;
}

static inline void peer_begin(struct peer *peer) {
    peer->deadline = monotonic() + TIMEOUT_SECONDS;
}

/* Waits until the socket can be read or written. */
static inline int peer_ready(const struct peer *peer, short events) {
    struct pollfd ready = { .fd = peer->socket, .events = events };
    time_t left = peer->deadline - monotonic();
    int count = left > 0 ? poll(&ready, 1, (int)left * 1000) : 0;
    if (count == 0) {
        return fail(NETWORK, "the peer", "does not answer in time");
    }
    return count > 0 || errno == EINTR ? DONE : fail(NETWORK, "cannot wait", strerror(errno));
}

/* Whether an error of the socket only says to wait again. */
static inline int passes(int number) {
    return number == EINTR || number == EAGAIN || number == EWOULDBLOCK;
}

/* Writes what is pending. */
static inline int peer_flush(struct peer *peer) {
    const uint8_t *pending;
    size_t len;
    while ((pending = otls_connection_pending(peer->connection, &len)) != NULL) {
        int code = peer_ready(peer, POLLOUT);
        if (code != DONE) {
            return code;
        }
        ssize_t sent = send(peer->socket, pending, len, MSG_NOSIGNAL);
        if (sent < 0 && !passes(errno)) {
            return fail(NETWORK, "cannot send", strerror(errno));
        }
        if (sent > 0) {
            otls_connection_consume(peer->connection, (size_t)sent, NULL);
        }
    }
    return DONE;
}

/* Feeds what has arrived, or waits for more. A final error leaves its alert pending: send it. */
static inline int peer_fill(struct peer *peer) {
    otls_error *error = NULL;
    size_t consumed = 0;
    if (peer->arrived_len == 0) {
        int code = peer_ready(peer, POLLIN);
        if (code != DONE) {
            return code;
        }
        ssize_t count = recv(peer->socket, peer->arrived, sizeof peer->arrived, 0);
        if (count < 0) {
            return passes(errno) ? DONE : fail(NETWORK, "cannot receive", strerror(errno));
        }
        if (count == 0) {
            if (otls_connection_feed_end(peer->connection, &error)) {
                return explain("the peer is gone", error);
            }
            return fail(NETWORK, "the peer is gone", "it closed the connection early");
        }
        peer->arrived_len = (size_t)count;
    }
    /* An operator may have thought for an hour: certificates are judged as of now. */
    otls_connection_set_time(peer->connection, now(), NULL);
    if (otls_connection_feed(peer->connection, peer->arrived, peer->arrived_len, &consumed, &error)) {
        peer_flush(peer);
        return explain("the connection failed", error);
    }
    if (consumed == 0) {
        return fail(PROTOCOL, "the peer", "sent data before it was due");
    }
    peer->arrived_len -= consumed;
    memmove(peer->arrived, peer->arrived + consumed, peer->arrived_len);
    return peer_flush(peer);
}

/* Goes on until the connection has all these OTLS_STATE_ bits. */
static inline int peer_wait(struct peer *peer, uint32_t wanted) {
    peer_begin(peer);
    int code = peer_flush(peer);
    while (code == DONE && (otls_connection_state(peer->connection) & wanted) != wanted) {
        if (otls_connection_state(peer->connection) & OTLS_STATE_CLOSED) {
            return fail(NETWORK, "the peer is gone", "it closed the connection too early");
        }
        code = peer_fill(peer);
    }
    return code;
}

static inline int peer_send(struct peer *peer, const otls_otp_message *message) {
    otls_error *error = NULL;
    peer_begin(peer);
    if (otls_otp_channel_send(peer->channel, peer->connection, message, &error)) {
        return explain("cannot send the message", error);
    }
    return peer_flush(peer);
}

/* The next message, of the one kind that is due. */
static inline int peer_receive(struct peer *peer, int32_t kind, otls_otp_message **message) {
    otls_error *error = NULL;
    peer_begin(peer);
    for (;;) {
        if (otls_otp_channel_receive(peer->channel, peer->connection, now(), message, &error)) {
            return explain("the peer's message is refused", error);
        }
        if (*message != NULL) {
            return otls_otp_message_kind(*message) == kind ? DONE : fail(PROTOCOL, "the peer", "sent another message");
        }
        int code = peer_fill(peer);
        if (code != DONE) {
            return code;
        }
    }
}

/* Makes a peer of a connected socket; both belong to the peer from now on. */
static inline int peer_open(struct peer *peer, int socket, otls_connection *connection) {
    otls_error *error = NULL;
    peer->socket = socket;
    peer->connection = connection;
    peer->channel = NULL;
    peer->arrived_len = 0;
    peer_begin(peer);
    /* A write that would wait for the whole of what is pending is no way around the deadline. */
    if (fcntl(socket, F_SETFL, O_NONBLOCK)) {
        return fail(NETWORK, "cannot use the socket", strerror(errno));
    }
    return otls_otp_channel_new(&peer->channel, &error) ? explain("otls", error) : DONE;
}

/* Says close_notify and reads to the end: a socket that is closed before that may lose what was sent. */
static inline void peer_close(struct peer *peer) {
    peer_begin(peer);
    otls_connection_close(peer->connection, NULL);
    if (peer_flush(peer) == DONE && shutdown(peer->socket, SHUT_WR) == 0) {
        ssize_t count = 1;
        while (count != 0 && peer_ready(peer, POLLIN) == DONE) {
            count = recv(peer->socket, peer->arrived, sizeof peer->arrived, 0);
            if (count < 0 && !passes(errno)) {
                break;
            }
        }
    }
    close(peer->socket);
    otls_otp_channel_free(peer->channel);
    otls_connection_free(peer->connection);
}

#endif
