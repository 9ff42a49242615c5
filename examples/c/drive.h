/*
 * One driver for each program: carries octets between a POSIX socket and an otls_connection.
 *
 * Blocking calls, for one thread, or for two of which one reads while the other writes:
 *
 *     struct drive *d = drive_new(fd, connection, &limits, &why);
 *     drive_handshake(d, OTLS_STATE_HANDSHAKE_DONE, &why);
 *     drive_write(d, data, len, &why);
 *     drive_read(d, buffer, sizeof buffer, &why);
 *     drive_close(d);
 *
 * Calls that never wait, for a loop of poll or epoll, where POLLIN and POLLOUT are EPOLLIN and EPOLLOUT:
 *
 *     poll(&(struct pollfd){ .fd = fd, .events = drive_events(d) }, 1, drive_patience(d));
 *     drive_step(d, &why);
 *     while ((got = drive_try_read(d, buffer, sizeof buffer, &why)) > 0) ...
 *
 * - Nothing stalls whatever the peer does: no lock is held while a thread waits for the socket, and a thread that
 *   reads never waits for one that writes. What reading causes to be sent goes out with whoever may send next.
 * - Memory is bounded: at most 256 KiB sealed and unsent, at most 64 KiB received and not fed. Idle, neither is kept.
 * - Deadlines are in struct drive_limits. None is put off by octets that trickle.
 * - A clean end, the peer's close_notify, is 0. A connection that was cut is DRIVE_CUT and never an end.
 * - With your own select, poll or epoll: read while drive_pending is not 0, and wait for the descriptor only then.
 *   Nothing that has arrived hides from both.
 * - Signals interrupt nothing and lose nothing.
 * - A connection belongs to the process that made it. In a forked child every call fails with DRIVE_MISUSE, nothing
 *   is said on the socket, and drive_drop or drive_close free the child's copy alone.
 */
#ifndef OTLS_EXAMPLES_DRIVE_H
#define OTLS_EXAMPLES_DRIVE_H

#include <otls.h>

#include <sys/types.h>

struct drive;

/* In milliseconds; 0 is no limit. */
struct drive_limits {
    /* The whole handshake, without the time of a caller who chooses a configuration or an identity. When it is over,
       so is the connection. */
    uint32_t handshake;
    /* Each read, until the first octet of data. Another read may follow. */
    uint32_t read;
    /* Each piece of at most 256 KiB has to be gone in that time. When it is not, nothing more can be written. */
    uint32_t write;
    /* The whole connection; every call fails after it. */
    uint32_t lifetime;
};

enum drive_failure {
    DRIVE_FAILED = 1, /* the connection, see `code` and `alert` */
    DRIVE_CUT,        /* the peer is gone without close_notify */
    DRIVE_TIMEOUT,    /* a deadline, see `text` */
    DRIVE_SOCKET,     /* the socket, `code` is errno */
    DRIVE_STOPPED,    /* drive_stop was called */
    DRIVE_MISUSE      /* the call is wrong */
};

/* Why a call has failed; it needs no free. */
struct drive_error {
    enum drive_failure kind;
    int32_t code;  /* OTLS_ERROR_, or errno */
    int32_t alert; /* as of otls_error_alert, -1 if there is none */
    char text[1024];
};

/* Nothing is there yet, or nothing more fits: wait for the socket. */
#define DRIVE_AGAIN (-2)

/*
 * A driver of a connected socket, which becomes non-blocking, and a connection: both belong to it from now on, even
 * if this fails with NULL. The deadlines begin. Like every `why`, this may be NULL.
 */
struct drive *drive_new(int fd, otls_connection *connection, const struct drive_limits *limits,
                        struct drive_error *why);

/* What it drives. Call of the connection what changes it only from the thread that reads or writes alone. */
otls_connection *drive_connection(const struct drive *d);

/* ---- Calls that wait: 0 or -1, unless they say otherwise. ---- */

/* Until the connection has all these OTLS_STATE_ bits, or is paused (OTLS_STATE_NEED_CONFIG,
   OTLS_STATE_NEED_CLIENT_CERT): answer it then, and call again. */
int drive_handshake(struct drive *d, uint32_t wanted, struct drive_error *why);

/* Data: how many octets, 0 for the clean end, -1. */
ssize_t drive_read(struct drive *d, void *data, size_t len, struct drive_error *why);

/* Waits until there is data for otls_connection_read or otls_otp_channel_receive: 1, 0 for the clean end, -1. */
int drive_data(struct drive *d, struct drive_error *why);

/* Sends all of the data, or, with a length of 0, what was sealed by others (otls_otp_channel_send). */
int drive_write(struct drive *d, const void *data, size_t len, struct drive_error *why);

/* Ends our direction with close_notify and shutdown(2). Reading goes on. */
int drive_close_write(struct drive *d, struct drive_error *why);

/* Says close_notify, or the alert of a failure, waits at most a second for the peer's end, so that what was sent last
   is not reset away, and frees everything. No other call may be using it: drive_stop before. */
void drive_close(struct drive *d);

/* Frees everything without close_notify: the peer sees that something is missing. For failures of the program. */
void drive_drop(struct drive *d);

/* ---- Calls of any thread, which do not wait. ---- */

/* Every call, also one that waits in another thread, fails at once with DRIVE_STOPPED, except drive_close. */
void drive_stop(struct drive *d);

/* How many octets of data can be read without waiting; 1 if it is the end or a failure that can. */
size_t drive_pending(struct drive *d);

/* Whether the peer has hung up, while nobody reads: the connection is cut, reset, or closed in both directions.
   A peer that has only ended its own direction waits for ours. */
int drive_peer_is_gone(struct drive *d);

/* ---- Calls for a loop, which do not wait. Ask for events and patience anew before each wait. ---- */

/* What to wait for: POLLIN, POLLOUT, both or neither. */
short drive_events(struct drive *d);

/* For how many milliseconds: until the next deadline; -1 for ever. */
int drive_patience(struct drive *d);

/* When one of both has come: receives, at most 64 KiB, and sends. 0; -1, also for a deadline; 1 once
   drive_try_close is done. */
int drive_step(struct drive *d, struct drive_error *why);

/* As drive_data and drive_read, and DRIVE_AGAIN. It begins the deadline for reading, and data ends it. */
int drive_try_data(struct drive *d, struct drive_error *why);
ssize_t drive_try_read(struct drive *d, void *data, size_t len, struct drive_error *why);

/* How many octets were taken, which drive_step sends on; DRIVE_AGAIN if none fit; -1. */
ssize_t drive_try_write(struct drive *d, const void *data, size_t len, struct drive_error *why);

/* As drive_close_write, once what was taken is gone. */
int drive_try_close_write(struct drive *d, struct drive_error *why);

/* As drive_close: go on with drive_step until it returns 1 or -1, then drive_drop. */
void drive_try_close(struct drive *d);

#endif
