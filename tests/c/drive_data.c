/* The driver carries data: both ways at once, in any pieces, to peers who read slowly, not at all, or one octet. */
#define _POSIX_C_SOURCE 200809L
#include "link.h"

#include <sys/time.h>

enum { MUCH = 1 << 20, SOME = 100000, PART = 4096 };

/* A plain loop: reads, writes back, and closes at the end of what comes. */
static void *echo(void *drive) {
    struct drive_error why;
    uint8_t data[PART];
    ssize_t got;
    while ((got = drive_read(drive, data, sizeof data, &why)) > 0) {
        GOES(drive_write(drive, data, (size_t)got, &why));
    }
    GOES(got);
    drive_close(drive);
    return NULL;
}

/* Two threads of the client: one writes all, one reads all. */
static void echo_over(struct drive **link, size_t size) {
    struct drive_error why;
    struct sending sending = { link[CLIENT], size, MUCH, 1 };
    pthread_t server = run(echo, link[SERVER]), writer = run(send_all, &sending);
    take_all(link[CLIENT], size, PART);
    TAKES_THE_END(link[CLIENT]);
    join(writer);
    join(server);
    drive_close(link[CLIENT]);
}

static void an_echo_of_a_megabyte_does_not_stall(void) {
    struct drive *link[2];
    make_link(link, &PATIENT, &PATIENT);
    echo_over(link, MUCH);
}

static void *take_and_end(void *drive) {
    struct drive_error why;
    take_all(drive, MUCH, PART);
    TAKES_THE_END(drive);
    return NULL;
}

static void both_may_write_first(void) {
    struct drive *link[2];
    make_link(link, &PATIENT, &PATIENT);
    struct sending client = { link[CLIENT], MUCH, MUCH, 1 }, server = { link[SERVER], MUCH, MUCH, 1 };
    pthread_t threads[] = { run(send_all, &client), run(send_all, &server), run(take_and_end, link[CLIENT]),
                            run(take_and_end, link[SERVER]) };
    for (int i = 0; i < 4; i++) {
        join(threads[i]);
    }
    drive_close(link[CLIENT]);
    drive_close(link[SERVER]);
}

/* One side of a connection, for a thread with a loop. */
struct side {
    struct drive *drive;
    int socket;
};

/* Writes and reads a megabyte in one loop, which waits nowhere but in poll. */
static void *loop(void *argument) {
    const struct side *side = argument;
    struct drive_error why;
    uint8_t *data = malloc(MUCH), got[PART], right[PART];
    size_t written = 0, read = 0, unsent;
    int closed = 0, ended = 0;
    fill(data, 0, MUCH);
    while (!ended || !closed) {
        ssize_t count = drive_try_write(side->drive, data + written, MUCH - written, &why);
        CHECK(count >= 0 || count == DRIVE_AGAIN || closed);
        written += count > 0 ? (size_t)count : 0;
        otls_connection_pending(drive_connection(side->drive), &unsent);
        CHECK(unsent <= 256 * 1024);
        if (written == MUCH && !closed) {
            GOES(drive_try_close_write(side->drive, &why));
            closed = 1;
        }
        while (!ended && (count = drive_try_read(side->drive, got, sizeof got, &why)) != DRIVE_AGAIN) {
            GOES(count);
            fill(right, read, (size_t)count);
            CHECK(memcmp(got, right, (size_t)count) == 0);
            read += (size_t)count;
            ended = count == 0;
        }
        if (!ended || !closed) {
            struct pollfd socket = { .fd = side->socket, .events = drive_events(side->drive) };
            CHECK(poll(&socket, 1, drive_patience(side->drive)) >= 0);
            GOES(drive_step(side->drive, &why));
        }
    }
    CHECK(read == MUCH);
    /* The last of what was written may still be on its way. */
    drive_try_close(side->drive);
    int over;
    while ((over = drive_step(side->drive, &why)) == 0) {
        struct pollfd socket = { .fd = side->socket, .events = drive_events(side->drive) };
        CHECK(poll(&socket, 1, drive_patience(side->drive)) >= 0);
    }
    CHECK(over == 1);
    drive_drop(side->drive);
    free(data);
    return NULL;
}

static void two_loops_may_write_first(void) {
    struct drive *link[2];
    int sockets[2];
    make_link_on(sockets, link, &PATIENT, &PATIENT);
    struct side sides[] = { { link[CLIENT], sockets[CLIENT] }, { link[SERVER], sockets[SERVER] } };
    pthread_t client = run(loop, &sides[CLIENT]);
    loop(&sides[SERVER]);
    join(client);
}

/* Takes what has arrived at a socket: 0 if that is nothing. */
static ssize_t drained(int socket) {
    uint8_t waste[PART];
    ssize_t count, all = 0;
    while ((count = recv(socket, waste, sizeof waste, MSG_DONTWAIT)) > 0) {
        all += count;
    }
    return all;
}

/* Who is told to come again is woken for it: where nothing waits to be sent any more, there is room at once. */
static void come_again_means_that_the_socket_will_tell(void) {
    struct drive *link[2];
    struct drive_error why;
    int sockets[2], room = 1 << 20, rounds = 0;
    uint8_t *data = calloc(1, MUCH);
    make_link_on(sockets, link, &PATIENT, &PATIENT);
    CHECK(setsockopt(sockets[CLIENT], SOL_SOCKET, SO_SNDBUF, &room, sizeof room) == 0);
    for (int i = 0; i < 20; i++) {
        ssize_t count;
        do {
            count = drive_try_write(link[CLIENT], data, MUCH, &why);
        } while (count > 0);
        CHECK(count == DRIVE_AGAIN && (drive_events(link[CLIENT]) & POLLOUT));
        /* The peer takes all of it before we come again. */
        while (drained(sockets[SERVER]) > 0) {
        }
        count = drive_try_write(link[CLIENT], data, 1, &why);
        CHECK(count == 1 || (count == DRIVE_AGAIN && (drive_events(link[CLIENT]) & POLLOUT)));
        rounds += count == 1;
    }
    CHECK(rounds > 0);
    drive_drop(link[CLIENT]);
    drive_drop(link[SERVER]);
    free(data);
}

static void octets_may_come_one_at_a_time(void) {
    struct drive *link[2];
    int near[2], far[2];
    make_sockets(near);
    make_sockets(far);
    link[CLIENT] = client_on(near[CLIENT], customer, &PATIENT);
    link[SERVER] = server_on(far[SERVER], &PATIENT);
    struct relay ways[] = { { near[SERVER], far[CLIENT], 0 }, { far[CLIENT], near[SERVER], 0 } };
    pthread_t relays[] = { run(relay, &ways[0]), run(relay, &ways[1]) };
    shake(link);
    echo_over(link, 3000);
    for (int i = 0; i < 2; i++) {
        join(relays[i]);
    }
    close(near[SERVER]);
    close(far[CLIENT]);
}

static void nothing_happens(int number) {
    (void)number;
}

/* A timer goes off all the time, and each time the system call that waits returns with EINTR. */
static void signals_lose_nothing(void) {
    struct drive *link[2];
    struct sigaction action = { .sa_handler = nothing_happens };
    struct itimerval often = { { 0, 5000 }, { 0, 5000 } }, never = { { 0, 0 }, { 0, 0 } };
    make_link(link, &PATIENT, &PATIENT);
    CHECK(sigaction(SIGALRM, &action, NULL) == 0 && setitimer(ITIMER_REAL, &often, NULL) == 0);
    echo_over(link, MUCH);
    CHECK(setitimer(ITIMER_REAL, &never, NULL) == 0);
}

static void a_half_closed_connection_goes_on(void) {
    struct drive *link[2];
    struct drive_error why;
    int sockets[2];
    uint8_t octet;
    make_link_on(sockets, link, &PATIENT, &PATIENT);
    struct sending client = { link[CLIENT], SOME, SOME, 1 }, answer = { link[SERVER], SOME, SOME, 0 };
    pthread_t writer = run(send_all, &client);
    take_all(link[SERVER], SOME, PART);
    TAKES_THE_END(link[SERVER]);
    join(writer);
    ENDS(DRIVE_FAILED, "close", drive_write(link[CLIENT], "x", 1, &why));
    /* The client's FIN has come as well; that is no peer who is gone. */
    CHECK(poll(&(struct pollfd){ .fd = sockets[SERVER], .events = POLLIN }, 1, 5000) == 1);
    CHECK(recv(sockets[SERVER], &octet, 1, MSG_PEEK) == 0);
    CHECK(!drive_peer_is_gone(link[SERVER]) && !drive_peer_is_gone(link[CLIENT]));
    writer = run(send_all, &answer);
    take_all(link[CLIENT], SOME, PART);
    join(writer);
    pthread_t end = run(echo, link[SERVER]);
    TAKES_THE_END(link[CLIENT]);
    join(end);
    drive_close(link[CLIENT]);
}

/* What has arrived hides neither from drive_pending nor from poll: many records come at once, and are read in small
   pieces. */
static void a_select_loop_never_waits_in_vain(void) {
    struct drive *link[2];
    struct drive_error why;
    int sockets[2];
    make_link_on(sockets, link, &PATIENT, &PATIENT);
    struct sending sending = { link[SERVER], SOME, 1000, 1 };
    pthread_t writer = run(send_all, &sending);
    size_t all = 0, most = 0;
    for (;;) {
        uint8_t data[10];
        struct pollfd socket = { .fd = sockets[CLIENT], .events = POLLIN };
        size_t pending = drive_pending(link[CLIENT]);
        most = pending > most ? pending : most;
        CHECK(pending > 0 || poll(&socket, 1, 5000) == 1);
        ssize_t got = drive_read(link[CLIENT], data, sizeof data, &why);
        GOES(got);
        CHECK(pending == 0 || got == (ssize_t)(pending < sizeof data ? pending : sizeof data) || got == 0);
        if (got == 0) {
            break;
        }
        all += (size_t)got;
    }
    CHECK(all == SOME && most == 1000);
    /* The end is there to be read as well. */
    CHECK(drive_pending(link[CLIENT]) == 1);
    join(writer);
    drive_close(link[CLIENT]);
    drive_drop(link[SERVER]);
}

/* A loop may go on whenever it likes, also while it has not fed all that was received. */
static void a_step_between_reads_loses_nothing(void) {
    struct drive *link[2];
    struct drive_error why;
    make_link(link, &PATIENT, &PATIENT);
    struct sending sending = { link[SERVER], SOME, 1000, 1 };
    pthread_t writer = run(send_all, &sending);
    for (size_t at = 0; at < SOME; at += 1000) {
        uint8_t data[1000], right[1000];
        ssize_t got;
        while ((got = drive_try_read(link[CLIENT], data, sizeof data, &why)) == DRIVE_AGAIN) {
            GOES(drive_step(link[CLIENT], &why));
        }
        fill(right, at, sizeof right);
        CHECK(got == 1000 && memcmp(data, right, sizeof data) == 0);
        GOES(drive_step(link[CLIENT], &why));
    }
    TAKES_THE_END(link[CLIENT]);
    join(writer);
    drive_drop(link[SERVER]);
    drive_drop(link[CLIENT]);
}

/* A server that does not read its data takes no more from the socket, and the client seals no more. */
static void buffers_are_bounded(void) {
    struct drive *link[2];
    struct drive_error why;
    uint8_t data[PART] = { 0 };
    size_t taken = 0;
    make_link(link, &PATIENT, &PATIENT);
    for (int stuck = 0; stuck < 100;) {
        ssize_t count = drive_try_write(link[CLIENT], data, sizeof data, &why);
        CHECK(count > 0 || count == DRIVE_AGAIN);
        taken += count > 0 ? (size_t)count : 0;
        stuck = count > 0 ? 0 : stuck + 1;
        GOES(drive_step(link[CLIENT], &why));
        GOES(drive_step(link[SERVER], &why));
        if (count < 0) {
            pause_for(0.002);
        }
    }
    /* 256 KiB sealed, 64 KiB received, and what the kernel has in between. */
    CHECK(taken < 1024 * 1024);
    CHECK(!(drive_events(link[SERVER]) & POLLIN) && drive_events(link[CLIENT]) == (POLLIN | POLLOUT));
    struct sending rest = { link[CLIENT], 0, 1, 1 };
    pthread_t writer = run(send_all, &rest);
    while (taken > 0) {
        ssize_t got = drive_read(link[SERVER], data, sizeof data, &why);
        GOES(got);
        CHECK(got > 0);
        taken -= (size_t)got;
    }
    TAKES_THE_END(link[SERVER]);
    join(writer);
    drive_close(link[SERVER]);
    drive_close(link[CLIENT]);
}

int main(void) {
    make_world();
    an_echo_of_a_megabyte_does_not_stall();
    both_may_write_first();
    two_loops_may_write_first();
    come_again_means_that_the_socket_will_tell();
    octets_may_come_one_at_a_time();
    signals_lose_nothing();
    a_half_closed_connection_goes_on();
    a_select_loop_never_waits_in_vain();
    a_step_between_reads_loses_nothing();
    buffers_are_bounded();
    free_world();
    return 0;
}
