/* What a driver is, its lock, clocks and failures: the part of drive.c that touches no socket. */
#ifndef OTLS_EXAMPLES_DRIVE_INNER_H
#define OTLS_EXAMPLES_DRIVE_INNER_H

#include "drive.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

enum {
    MAX_RECEIVED = 64 * 1024,
    /* By how many octets a record is longer than its data, at least: header, content type and tag
       (RFC 8446 section 5.2). */
    RECORD_OVERHEAD = 5 + 1 + 16,
    MAX_SEALED = 256 * 1024,
    /* What is sealed at once: with records of 64 octets, the smallest that a peer may ask for (RFC 8449), it still
       grows to no more than SEALED_PART. */
    PART = 16 * 1024,
    SEALED_PART = 32 * 1024,
    /* How long a closed connection waits for the peer's end. */
    CLOSE_MILLISECONDS = 1000,
    /* How often what a peer goes on to send is thrown away in one call. */
    MAX_DISCARDS = 64
};

#define NEVER INT64_MAX
#define PAUSED (OTLS_STATE_NEED_CONFIG | OTLS_STATE_NEED_CLIENT_CERT)

/* What a thread is here for; a loop is here for both. */
enum { READS = 1, WRITES = 2 };

struct drive {
    /* Held by every call, and by none that waits. */
    pthread_mutex_t lock;
    pid_t owner;
    int fd;
    otls_connection *connection;
    struct drive_limits limits;
    /* When they are over, in milliseconds of the clock that nobody sets, or NEVER. */
    int64_t handshake_by, read_by, write_by, lifetime_by, close_by;
    /* Since when the handshake waits for the caller; 0 while it does not. */
    int64_t paused_at;
    /* The bits that end the handshake. */
    uint32_t wanted;
    /* What was received and is not fed. */
    uint8_t *in;
    size_t in_at, in_end;
    /* What was sealed since nothing was pending. */
    size_t piece;
    /* Threads that wait for octets from the socket. */
    int readers;
    /* The errno with which sending has failed. */
    int send_errno;
    int write_was_late, stopped, closing;
    /* Our direction is to be ended once nothing is pending; it is; the peer's is, and -1 if it was reset. */
    int ending, ended, peer_ended;
    /* A pipe that ends the waiting of other threads; made by the first that waits. */
    int wake[2], woken;
};

static uint32_t state_of(const struct drive *d) {
    return otls_connection_state(d->connection);
}

static size_t unsent(const struct drive *d) {
    size_t len;
    otls_connection_pending(d->connection, &len);
    return len;
}

static int64_t now(void) {
    struct timespec clock;
    return clock_gettime(CLOCK_MONOTONIC, &clock) ? 0 : (int64_t)clock.tv_sec * 1000 + clock.tv_nsec / 1000000;
}

static int64_t after(uint32_t milliseconds) {
    return milliseconds == 0 ? NEVER : now() + milliseconds;
}

static int64_t sooner(int64_t one, int64_t other) {
    return one < other ? one : other;
}

/* For poll. */
static int milliseconds_to(int64_t time) {
    int64_t left = time - now();
    return time == NEVER ? -1 : left < 0 ? 0 : left > INT32_MAX ? INT32_MAX : (int)left;
}

/* The next deadline that concerns such a thread. */
static int64_t deadline(const struct drive *d, int what) {
    int64_t by = d->paused_at ? d->lifetime_by : sooner(d->lifetime_by, d->handshake_by);
    by = what & READS ? sooner(by, d->read_by) : by;
    return what & WRITES ? sooner(by, d->write_by) : by;
}

/* Why a call fails: -1. */
static int fails(struct drive_error *why, enum drive_failure kind, int32_t code, const char *format, ...) {
    va_list values;
    if (why != NULL) {
        why->kind = kind;
        why->code = code;
        why->alert = -1;
        va_start(values, format);
        vsnprintf(why->text, sizeof why->text, format, values);
        va_end(values);
    }
    return -1;
}

/* The library says why: -1. Frees the error. */
static int fails_with(struct drive_error *why, otls_error *error) {
    int32_t code = otls_error_code(error);
    const char *hint = otls_error_hint(error);
    fails(why, code == OTLS_ERROR_TRUNCATED ? DRIVE_CUT : DRIVE_FAILED, code, "%s%s%s%s", otls_error_message(error),
          *hint ? " (" : "", hint, *hint ? ")" : "");
    if (why != NULL) {
        why->alert = otls_error_alert(error);
    }
    otls_error_free(error);
    return -1;
}

/* Whether the caller may go on: not after the end, and not after a deadline of the whole. */
static int check_standing(const struct drive *d, struct drive_error *why) {
    if (d->stopped) {
        return fails(why, DRIVE_STOPPED, 0, "the connection was closed by another thread");
    }
    if (d->closing) {
        return fails(why, DRIVE_MISUSE, OTLS_ERROR_API_MISUSE, "the connection is closed");
    }
    int64_t time = now();
    if (time >= d->lifetime_by) {
        return fails(why, DRIVE_TIMEOUT, 0, "timed out: the time of the whole connection, %.1f s, is over",
                     d->limits.lifetime / 1000.0);
    }
    if (!d->paused_at && time >= d->handshake_by) {
        return fails(why, DRIVE_TIMEOUT, 0, "timed out in the handshake, which was not done in %.1f s",
                     d->limits.handshake / 1000.0);
    }
    return 0;
}

/* Each of these two deadlines is told once. */
static int check_read(struct drive *d, struct drive_error *why) {
    if (now() < d->read_by) {
        return 0;
    }
    d->read_by = NEVER;
    return fails(why, DRIVE_TIMEOUT, 0, "timed out reading: no data came in %.1f s", d->limits.read / 1000.0);
}

static int check_write(struct drive *d, struct drive_error *why) {
    if (now() < d->write_by) {
        return 0;
    }
    size_t left;
    otls_connection_pending(d->connection, &left);
    d->write_by = NEVER;
    d->write_was_late = 1;
    return fails(why, DRIVE_TIMEOUT, 0, "timed out writing: %zu sealed octets did not go in %.1f s", left,
                 d->limits.write / 1000.0);
}

/* Whoever waits looks again. */
static void wake(struct drive *d) {
    if (d->wake[1] >= 0 && !d->woken) {
        d->woken = write(d->wake[1], "", 1) == 1;
    }
}

/* Before waiting. */
static int make_wake(struct drive *d, struct drive_error *why) {
    if (d->wake[0] >= 0) {
        return 0;
    }
    if (pipe(d->wake)) {
        return fails(why, DRIVE_SOCKET, errno, "cannot wait: %s", strerror(errno));
    }
    fcntl(d->wake[0], F_SETFD, FD_CLOEXEC);
    fcntl(d->wake[1], F_SETFD, FD_CLOEXEC);
    return 0;
}

/* What to wait for. */
static short events_of(const struct drive *d) {
    int writes = unsent(d) > 0 && !d->send_errno;
    int reads = d->closing ? !d->peer_ended : d->in == NULL && (state_of(d) & OTLS_STATE_WANT_READ);
    return (short)((reads ? POLLIN : 0) | (writes ? POLLOUT : 0));
}

static int is_inherited(const struct drive *d) {
    return d->owner != getpid();
}

static int lock(struct drive *d, struct drive_error *why) {
    if (is_inherited(d)) {
        return fails(why, DRIVE_MISUSE, OTLS_ERROR_API_MISUSE, "a connection of the process that forked this one");
    }
    pthread_mutex_lock(&d->lock);
    if (d->paused_at && !(state_of(d) & PAUSED)) {
        d->handshake_by = d->handshake_by == NEVER ? NEVER : d->handshake_by + now() - d->paused_at;
        d->paused_at = 0;
    }
    return 0;
}

static void leave(struct drive *d) {
    uint32_t state = state_of(d);
    d->handshake_by = (state & d->wanted) == d->wanted ? NEVER : d->handshake_by;
    d->paused_at = state & PAUSED && !d->paused_at ? now() : d->paused_at;
    pthread_mutex_unlock(&d->lock);
}

static int enter(struct drive *d, struct drive_error *why) {
    if (lock(d, why)) {
        return -1;
    }
    int result = check_standing(d, why);
    if (result) {
        leave(d);
    }
    return result;
}

/* What was received and is not fed, decrypted where it lies, as far as its data fits: how many octets, 0, -1. Feeding
   finds why there are none. */
static ssize_t take_received(struct drive *d, void *data, size_t len, struct drive_error *why) {
    size_t taken = 0, opened = 0;
    uint8_t *plaintext;
    if (enter(d, why)) {
        return -1;
    }
    if (d->in != NULL && len > 0) {
        /* No more data than fits is in so many octets. */
        size_t lent = d->in_end - d->in_at;
        lent = lent > RECORD_OVERHEAD && lent - RECORD_OVERHEAD > len ? len + RECORD_OVERHEAD : lent;
        otls_connection_feed_in_place(d->connection, d->in + d->in_at, lent, (uint64_t)time(NULL), &taken, &plaintext,
                                      &opened, NULL);
        if (opened > 0) {
            memcpy(data, plaintext, opened);
            d->read_by = NEVER;
        }
        explicit_bzero(d->in + d->in_at, taken);
        d->in_at += taken;
        if (d->in_at == d->in_end) {
            free(d->in);
            d->in = NULL;
        }
    }
    leave(d);
    return (ssize_t)opened;
}

#endif
