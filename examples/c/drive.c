/*
 * The driver of drive.h.
 *
 * The library does no I/O. Here is all of it: `send_out` writes what is pending, `receive` reads, `feed` hands on
 * what was read. Each goes as far as it can without waiting, with the lock held. Calls that wait do so in
 * `wait_and_step`, without the lock, and try again.
 */
#define _GNU_SOURCE

#include "drive_inner.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

/* ---- What goes without waiting. Each call is between `lock` or `enter` and `leave`. ---- */

/* Whether an error of the socket only says to try again. */
static int passes(int number) {
    return number == EINTR || number == EAGAIN || number == EWOULDBLOCK;
}

/* Sends what is pending. What could not be sent stays so. */
static void send_out(struct drive *d) {
    const uint8_t *pending;
    size_t len;
    while (!d->send_errno && (pending = otls_connection_pending(d->connection, &len)) != NULL) {
        ssize_t count = send(d->fd, pending, len, MSG_NOSIGNAL);
        if (count >= 0) {
            otls_connection_consume(d->connection, (size_t)count, NULL);
        } else if (passes(errno)) {
            break;
        } else {
            d->send_errno = errno;
        }
    }
    if (unsent(d) > 0) {
        d->write_by = d->write_by == NEVER && !d->write_was_late ? after(d->limits.write) : d->write_by;
        return;
    }
    d->piece = 0;
    d->write_by = NEVER;
    if (d->ending && !d->ended) {
        d->ended = 1;
        shutdown(d->fd, SHUT_WR);
    }
}

/* The connection has failed: its alert goes out, and whoever waits is told. */
static int broken(struct drive *d, otls_error *error, struct drive_error *why) {
    free(d->in);
    d->in = NULL;
    send_out(d);
    wake(d);
    return fails_with(why, error);
}

/* Feeds what was received, until there is data or the handshake waits for the caller. */
static int feed(struct drive *d, struct drive_error *why) {
    otls_error *error;
    size_t taken;
    while (d->in != NULL && (state_of(d) & OTLS_STATE_WANT_READ)) {
        /* A caller may have thought for an hour: certificates are judged as of now. */
        if (otls_connection_feed(d->connection, d->in + d->in_at, d->in_end - d->in_at, (uint64_t)time(NULL), &taken,
                                 &error)) {
            return broken(d, error, why);
        }
        d->in_at += taken;
        if (d->in_at == d->in_end) {
            free(d->in);
            d->in = NULL;
        }
    }
    return 0;
}

/* Receives, if the connection wants it and nothing is left of the last time. */
static int receive(struct drive *d, struct drive_error *why) {
    otls_error *error = NULL;
    if (d->in != NULL || !(state_of(d) & OTLS_STATE_WANT_READ)) {
        return feed(d, why);
    }
    d->in = malloc(MAX_RECEIVED);
    if (d->in == NULL) {
        return fails(why, DRIVE_SOCKET, ENOMEM, "no memory to receive");
    }
    ssize_t count = recv(d->fd, d->in, MAX_RECEIVED, 0);
    if (count > 0) {
        d->in_at = 0;
        d->in_end = (size_t)count;
        return feed(d, why);
    }
    int number = count < 0 ? errno : 0;
    free(d->in);
    d->in = NULL;
    if (passes(number)) {
        return 0;
    }
    if (otls_connection_feed_end(d->connection, &error)) {
        broken(d, error, why);
        return number ? fails(why, DRIVE_CUT, OTLS_ERROR_TRUNCATED, "the connection was cut: %s", strerror(number)) : -1;
    }
    return 0;
}

/* 1 if there is data, 0 at the end, DRIVE_AGAIN, -1. */
static int data_now(struct drive *d, struct drive_error *why) {
    if (feed(d, why)) {
        return -1;
    }
    uint32_t state = state_of(d);
    if (state & OTLS_STATE_FAILED) {
        return broken(d, otls_connection_error(d->connection), why);
    }
    if (state & PAUSED) {
        return fails(why, DRIVE_MISUSE, OTLS_ERROR_API_MISUSE, "the handshake waits for its caller: OTLS_STATE_NEED_");
    }
    /* Nothing more is wanted after the peer's close_notify. */
    return state & OTLS_STATE_HAVE_PLAINTEXT ? 1 : state & OTLS_STATE_WANT_READ ? DRIVE_AGAIN : 0;
}

static int check_writable(struct drive *d, struct drive_error *why) {
    if (d->write_was_late) {
        return fails(why, DRIVE_TIMEOUT, 0, "an earlier write timed out: nothing more can be written");
    }
    if (d->send_errno) {
        /* The peer may have said why before it was gone. */
        receive(d, NULL);
    }
    if (state_of(d) & OTLS_STATE_FAILED) {
        return fails_with(why, otls_connection_error(d->connection));
    }
    return d->send_errno ? fails(why, DRIVE_SOCKET, d->send_errno, "cannot send: %s", strerror(d->send_errno)) : 0;
}

/* Seals as much as may be unsent, and sends. */
static ssize_t seal(struct drive *d, const uint8_t *data, size_t len, struct drive_error *why) {
    otls_error *error;
    size_t taken = 0;
    if (check_writable(d, why)) {
        return -1;
    }
    /* Who is told to come again waits until there is room: where there is some by now, it is used at once. */
    if (d->piece + SEALED_PART > MAX_SEALED) {
        send_out(d);
    }
    while (taken < len && d->piece + SEALED_PART <= MAX_SEALED) {
        size_t part = len - taken < PART ? len - taken : PART, before = unsent(d);
        if (otls_connection_seal(d->connection, data + taken, part, &error)) {
            return fails_with(why, error);
        }
        d->piece += unsent(d) - before;
        taken += part;
    }
    if (taken > 0 || len == 0) {
        send_out(d);
    }
    return check_writable(d, why) ? -1 : (ssize_t)taken;
}

/* Goes on as far as it can, for a thread that reads, one that writes, or a loop. */
static int step(struct drive *d, int what, struct drive_error *why) {
    send_out(d);
    if (what & READS) {
        int result = receive(d, why);
        send_out(d);
        if (result || check_read(d, why)) {
            return -1;
        }
    }
    if (state_of(d) & OTLS_STATE_FAILED) {
        return fails_with(why, otls_connection_error(d->connection));
    }
    return what & WRITES ? check_write(d, why) : 0;
}

/* ---- Calls that wait. ---- */

static int wait_for(int fd, short events, int wake_fd, int64_t until, struct drive_error *why) {
    struct pollfd sources[] = { { .fd = fd, .events = events }, { .fd = wake_fd, .events = POLLIN } };
    int count = poll(sources, 2, milliseconds_to(until));
    return count < 0 && errno != EINTR ? fails(why, DRIVE_SOCKET, errno, "cannot wait: %s", strerror(errno)) : 0;
}

/* Waits for the socket, `wake`, or the next deadline, and goes on as far as it can. */
static int wait_and_step(struct drive *d, int what, struct drive_error *why) {
    if (enter(d, why)) {
        return -1;
    }
    int result = make_wake(d, why), failed = (state_of(d) & OTLS_STATE_FAILED) != 0;
    short events = what == WRITES ? POLLOUT : events_of(d);
    int64_t until = deadline(d, what);
    d->readers += what == READS;
    leave(d);
    if (result == 0 && !failed) {
        result = wait_for(d->fd, events, d->wake[0], until, why);
    }
    pthread_mutex_lock(&d->lock);
    d->readers -= what == READS;
    pthread_mutex_unlock(&d->lock);
    if (result || enter(d, why)) {
        return -1;
    }
    result = step(d, what, why);
    leave(d);
    return result;
}

int drive_handshake(struct drive *d, uint32_t wanted, struct drive_error *why) {
    if (enter(d, why)) {
        return -1;
    }
    d->wanted = wanted;
    d->handshake_by = d->handshake_by == NEVER ? after(d->limits.handshake) : d->handshake_by;
    int result = step(d, READS, why);
    leave(d);
    while (result == 0) {
        uint32_t state = state_of(d);
        if ((state & wanted) == wanted || (state & PAUSED)) {
            return 0;
        }
        if (state & OTLS_STATE_HAVE_PLAINTEXT) {
            return fails(why, DRIVE_FAILED, OTLS_ERROR_PEER_MISBEHAVED, "the peer sent data before it was due");
        }
        if (!(state & OTLS_STATE_WANT_READ)) {
            return fails(why, DRIVE_CUT, OTLS_ERROR_TRUNCATED, "the peer closed the connection too early");
        }
        result = wait_and_step(d, READS, why);
    }
    return result;
}

int drive_data(struct drive *d, struct drive_error *why) {
    int result = DRIVE_AGAIN;
    if (enter(d, why)) {
        return -1;
    }
    /* Each call has the whole time. */
    d->read_by = NEVER;
    leave(d);
    while ((result = drive_try_data(d, why)) == DRIVE_AGAIN) {
        if (wait_and_step(d, READS, why)) {
            return -1;
        }
    }
    return result;
}

static ssize_t take(struct drive *d, void *data, size_t len, struct drive_error *why) {
    size_t opened = 0;
    if (enter(d, why)) {
        return -1;
    }
    otls_connection_read(d->connection, data, len, &opened, NULL);
    /* The other thread may have made the connection fail. */
    int gone = opened == 0 && len > 0 && data_now(d, why) < 0;
    leave(d);
    return gone ? -1 : (ssize_t)opened;
}

ssize_t drive_read(struct drive *d, void *data, size_t len, struct drive_error *why) {
    ssize_t got = take_received(d, data, len, why);
    int result = got ? 0 : drive_data(d, why);
    return got ? got : result == 1 ? take(d, data, len, why) : result;
}

int drive_write(struct drive *d, const void *data, size_t len, struct drive_error *why) {
    size_t taken = 0;
    for (;;) {
        ssize_t more = drive_try_write(d, (const uint8_t *)data + taken, len - taken, why);
        taken += more > 0 ? (size_t)more : 0;
        size_t left = unsent(d);
        if (more == -1 || (taken == len && left == 0)) {
            return more == -1 ? -1 : 0;
        }
        if (wait_and_step(d, WRITES, why)) {
            size_t end = why != NULL && why->kind == DRIVE_TIMEOUT ? strlen(why->text) : sizeof why->text;
            if (end < sizeof why->text) {
                snprintf(why->text + end, sizeof why->text - end, "; %zu of %zu octets had gone",
                         taken > left ? taken - left : 0, len);
            }
            return -1;
        }
    }
}

int drive_close_write(struct drive *d, struct drive_error *why) {
    return drive_try_close_write(d, why) ? -1 : drive_write(d, "", 0, why);
}

/* ---- Calls for a loop. ---- */

short drive_events(struct drive *d) {
    if (lock(d, NULL)) {
        return 0;
    }
    feed(d, NULL);
    short events = events_of(d);
    leave(d);
    return events;
}

int drive_patience(struct drive *d) {
    if (lock(d, NULL)) {
        return 0;
    }
    int patience = milliseconds_to(d->closing ? sooner(d->close_by, d->write_by) : deadline(d, READS | WRITES));
    leave(d);
    return patience;
}

/* Throws away what arrives: 1 at its end, -1 if there is nobody. */
static int discard(const struct drive *d) {
    uint8_t waste[4096];
    ssize_t count = 1;
    for (int i = 0; i < MAX_DISCARDS && count > 0; i++) {
        count = recv(d->fd, waste, sizeof waste, 0);
    }
    return count == 0 ? 1 : count < 0 && !passes(errno) ? -1 : 0;
}

/* Sends the rest, and waits for the peer's end, which may come first. */
static int step_to_the_end(struct drive *d) {
    send_out(d);
    d->close_by = d->ended && d->close_by == NEVER ? after(CLOSE_MILLISECONDS) : d->close_by;
    d->peer_ended = d->peer_ended ? d->peer_ended : discard(d);
    int both = d->ended && d->peer_ended;
    return both || d->peer_ended < 0 || d->send_errno || now() >= sooner(d->close_by, d->write_by);
}

int drive_step(struct drive *d, struct drive_error *why) {
    if (lock(d, why)) {
        return -1;
    }
    int result = d->closing ? step_to_the_end(d) : check_standing(d, why);
    if (!d->closing && result == 0) {
        result = step(d, READS | WRITES, why);
        /* Where reading goes on, it will tell. */
        if (result == 0 && d->send_errno && !(state_of(d) & (OTLS_STATE_WANT_READ | OTLS_STATE_HAVE_PLAINTEXT))) {
            result = check_writable(d, why);
        }
    }
    leave(d);
    return result;
}

int drive_try_data(struct drive *d, struct drive_error *why) {
    if (enter(d, why)) {
        return -1;
    }
    int result = data_now(d, why);
    d->read_by = result != DRIVE_AGAIN ? NEVER : d->read_by == NEVER ? after(d->limits.read) : d->read_by;
    leave(d);
    return result;
}

ssize_t drive_try_read(struct drive *d, void *data, size_t len, struct drive_error *why) {
    ssize_t got = take_received(d, data, len, why);
    int result = got ? 0 : drive_try_data(d, why);
    return got ? got : result == 1 ? take(d, data, len, why) : result;
}

ssize_t drive_try_write(struct drive *d, const void *data, size_t len, struct drive_error *why) {
    if (enter(d, why)) {
        return -1;
    }
    ssize_t taken = seal(d, data, len, why);
    leave(d);
    return taken == 0 && len > 0 ? DRIVE_AGAIN : taken;
}

int drive_try_close_write(struct drive *d, struct drive_error *why) {
    if (enter(d, why)) {
        return -1;
    }
    int result = check_writable(d, why);
    if (result == 0) {
        otls_connection_close(d->connection, NULL);
        d->ending = 1;
        send_out(d);
    }
    leave(d);
    return result;
}

void drive_try_close(struct drive *d) {
    if (lock(d, NULL)) {
        return;
    }
    d->closing = 1;
    if (d->write_was_late) {
        /* A part of a record may be out: that is no end to be said. */
        d->close_by = 0;
    } else {
        /* Data that was taken has the deadline of a write, an alert does not. */
        d->close_by = state_of(d) & OTLS_STATE_FAILED ? after(CLOSE_MILLISECONDS) : NEVER;
        d->ending = 1;
        otls_connection_close(d->connection, NULL);
        send_out(d);
    }
    leave(d);
}

/* ---- Calls of any thread. ---- */

void drive_stop(struct drive *d) {
    if (lock(d, NULL) == 0) {
        d->stopped = 1;
        wake(d);
        leave(d);
    }
}

size_t drive_pending(struct drive *d) {
    if (enter(d, NULL)) {
        return 1;
    }
    int result = data_now(d, NULL);
    size_t len = result == 1 ? otls_connection_available(d->connection) : result != DRIVE_AGAIN;
    leave(d);
    return len;
}

int drive_peer_is_gone(struct drive *d) {
    struct pollfd hung_up = { .fd = d->fd };
    if (lock(d, NULL)) {
        return 0;
    }
    /* Octets that are taken here would not wake a thread that waits for them; and that thread sees the end. */
    if (d->readers == 0) {
        receive(d, NULL);
    }
    poll(&hung_up, 1, 0);
    int gone = d->send_errno || (state_of(d) & OTLS_STATE_FAILED) || (hung_up.revents & (POLLHUP | POLLERR));
    leave(d);
    return gone;
}

/* ---- The beginning and the end. ---- */

static void release(struct drive *d) {
    otls_connection_free(d->connection);
    free(d->in);
    for (int i = 0; i < 2 && d->wake[i] >= 0; i++) {
        close(d->wake[i]);
    }
    close(d->fd);
    pthread_mutex_destroy(&d->lock);
    free(d);
}

struct drive *drive_new(int fd, otls_connection *connection, const struct drive_limits *limits,
                        struct drive_error *why) {
    struct drive *d = calloc(1, sizeof *d);
    if (d == NULL || fcntl(fd, F_SETFL, fcntl(fd, F_GETFL) | O_NONBLOCK)) {
        fails(why, DRIVE_SOCKET, errno, "cannot use the socket: %s", strerror(errno));
        free(d);
        close(fd);
        otls_connection_free(connection);
        return NULL;
    }
    pthread_mutex_init(&d->lock, NULL);
    d->owner = getpid();
    d->fd = fd;
    d->connection = connection;
    d->limits = limits != NULL ? *limits : (struct drive_limits){ 0 };
    d->wanted = OTLS_STATE_HANDSHAKE_DONE;
    d->handshake_by = after(d->limits.handshake);
    d->lifetime_by = after(d->limits.lifetime);
    d->read_by = d->write_by = d->close_by = NEVER;
    d->wake[0] = d->wake[1] = -1;
    return d;
}

otls_connection *drive_connection(const struct drive *d) {
    return d->connection;
}

void drive_close(struct drive *d) {
    drive_try_close(d);
    while (drive_step(d, NULL) == 0) {
        wait_for(d->fd, events_of(d), -1, sooner(d->close_by, d->write_by), NULL);
    }
    release(d);
}

void drive_drop(struct drive *d) {
    if (!is_inherited(d)) {
        /* A socket that is closed with something unread is reset, and what was sent may be lost. */
        discard(d);
    }
    release(d);
}
