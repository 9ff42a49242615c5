/* How a driven connection ends: clean, cut, late, refused, stopped by another thread, in a forked child. */
#define _POSIX_C_SOURCE 200809L
#include "link.h"

#include <sys/wait.h>

/* ALL is sixteen times as much as the pattern allows to begin anew after. */
enum { SOME = 100000, PART = 4096, ALL = 16 * 261 * 251 };

static void a_cut_connection_is_no_end(void) {
    struct drive *link[2];
    struct drive_error why;
    uint8_t octet;
    make_link(link, &PATIENT, &PATIENT);
    struct sending sending = { link[SERVER], SOME, SOME, 0 };
    pthread_t writer = run(send_all, &sending);
    take_all(link[CLIENT], SOME, PART);
    join(writer);
    drive_drop(link[SERVER]);
    ENDS(DRIVE_CUT, "close_notify", drive_read(link[CLIENT], &octet, 1, &why));
    CHECK(why.code == OTLS_ERROR_TRUNCATED);
    /* And it stays so. */
    ENDS(DRIVE_CUT, "close_notify", drive_read(link[CLIENT], &octet, 1, &why));
    CHECK(drive_pending(link[CLIENT]) == 1);
    ENDS(DRIVE_CUT, "close_notify", drive_step(link[CLIENT], &why));
    ENDS(DRIVE_CUT, "close_notify", drive_handshake(link[CLIENT], OTLS_STATE_CONFIRMED, &why));
    drive_close(link[CLIENT]);
}

static void *write_and_close(void *drive) {
    struct sending sending = { drive, SOME, SOME, 0 };
    send_all(&sending);
    drive_close(drive);
    return NULL;
}

static void *write_and_drop(void *drive) {
    struct sending sending = { drive, SOME, SOME, 0 };
    send_all(&sending);
    drive_drop(drive);
    return NULL;
}

/* The client has not read what the server wrote. A socket that is closed so is reset, and what the client wrote last
   would be lost with it. */
static void the_last_data_arrives(void) {
    for (int dropped = 0; dropped < 2; dropped++) {
        struct drive *link[2];
        struct drive_error why;
        uint8_t octet;
        make_link(link, &PATIENT, &PATIENT);
        GOES(drive_write(link[SERVER], "nobody reads this", 17, &why));
        pthread_t client = run(dropped ? write_and_drop : write_and_close, link[CLIENT]);
        pause_for(0.2);
        take_all(link[SERVER], SOME, PART);
        if (dropped) {
            ENDS(DRIVE_CUT, "close_notify", drive_read(link[SERVER], &octet, 1, &why));
        } else {
            TAKES_THE_END(link[SERVER]);
        }
        drive_close(link[SERVER]);
        join(client);
    }
}

static void *close_it(void *drive) {
    drive_close(drive);
    return NULL;
}

/* The server has ended its direction, which does not end the client before all is out. */
static void the_rest_is_sent_before_the_end(void) {
    struct drive *link[2];
    struct drive_error why;
    uint8_t data[200000];
    make_link(link, &PATIENT, &PATIENT);
    GOES(drive_close_write(link[SERVER], &why));
    fill(data, 0, sizeof data);
    CHECK(drive_try_write(link[CLIENT], data, sizeof data, &why) == (ssize_t)sizeof data);
    pthread_t closing = run(close_it, link[CLIENT]);
    pause_for(0.2);
    take_all(link[SERVER], sizeof data, PART);
    TAKES_THE_END(link[SERVER]);
    drive_close(link[SERVER]);
    join(closing);
}

static void a_peer_that_never_ends_is_waited_for_a_second(void) {
    struct drive *link[2];
    make_link(link, &PATIENT, &PATIENT);
    double start = seconds();
    drive_close(link[CLIENT]);
    CHECK(seconds() - start > 0.8 && seconds() - start < 5);
    drive_drop(link[SERVER]);
}

/* Octets that trickle put no deadline off. */
static void a_handshake_has_one_deadline(void) {
    for (int side = CLIENT; side <= SERVER; side++) {
        static const struct drive_limits HASTY = { .handshake = 300 };
        struct drive_error why;
        int near[2], far[2];
        make_sockets(near);
        make_sockets(far);
        struct drive *client = client_on(near[CLIENT], customer, side == CLIENT ? &HASTY : &PATIENT);
        struct drive *server = server_on(far[SERVER], side == SERVER ? &HASTY : &PATIENT);
        struct relay ways[] = { { near[SERVER], far[CLIENT], 0.02 }, { far[CLIENT], near[SERVER], 0.02 } };
        pthread_t relays[] = { run(relay, &ways[0]), run(relay, &ways[1]) };
        struct drive *hasty = side == CLIENT ? client : server, *other = side == CLIENT ? server : client;
        drive_events(other);
        drive_step(other, NULL);
        double start = seconds();
        ENDS(DRIVE_TIMEOUT, "handshake, which was not done in 0.3 s",
             drive_handshake(hasty, OTLS_STATE_HANDSHAKE_DONE, &why));
        CHECK(seconds() - start < 1.5);
        /* That was the whole of it. */
        ENDS(DRIVE_TIMEOUT, "handshake", drive_write(hasty, "x", 1, &why));
        CHECK(drive_patience(hasty) == 0);
        ENDS(DRIVE_TIMEOUT, "handshake", drive_step(hasty, &why));
        drive_drop(hasty);
        drive_drop(other);
        join(relays[0]);
        join(relays[1]);
        close(near[SERVER]);
        close(far[CLIENT]);
    }
}

/* The caller of a paused handshake may think for longer than the deadline. */
static void the_time_of_the_caller_does_not_count(void) {
    static const struct drive_limits HASTY = { .handshake = 600 };
    otls_error *error;
    struct drive_error why;
    otls_connection *connection;
    int sockets[2];
    uint8_t octet;
    make_sockets(sockets);
    WORKS(otls_connection_accept(&connection, &error));
    struct drive *client = client_on(sockets[CLIENT], customer, &PATIENT);
    struct drive *server = drive_new(sockets[SERVER], connection, &HASTY, NULL);
    pthread_t other = run(shake_as_server, client);
    GOES(drive_handshake(server, OTLS_STATE_HANDSHAKE_DONE, &why));
    CHECK(otls_connection_state(connection) & OTLS_STATE_NEED_CONFIG);
    ENDS(DRIVE_MISUSE, "waits for its caller", drive_read(server, &octet, 1, &why));
    CHECK(drive_patience(server) == -1);
    pause_for(0.8);
    otls_server_config *config = config_of_server();
    WORKS(otls_connection_configure(connection, config, NOW, &error));
    otls_server_config_free(config);
    GOES(drive_handshake(server, OTLS_STATE_HANDSHAKE_DONE, &why));
    join(other);
    CHECK(drive_patience(server) == -1);
    drive_drop(client);
    drive_drop(server);
}

static void a_read_is_late_and_the_next_goes_on(void) {
    static const struct drive_limits HASTY = { .handshake = 30000, .read = 200 };
    struct drive *link[2];
    struct drive_error why;
    make_link(link, &HASTY, &PATIENT);
    uint8_t octet;
    for (int i = 0; i < 2; i++) {
        double start = seconds();
        ENDS(DRIVE_TIMEOUT, "no data came in 0.2 s", drive_read(link[CLIENT], &octet, 1, &why));
        CHECK(seconds() - start > 0.15 && seconds() - start < 1);
    }
    GOES(drive_write(link[SERVER], "x", 1, &why));
    CHECK(drive_read(link[CLIENT], &octet, 1, &why) == 1 && octet == 'x');
    /* The same for a loop. */
    CHECK(drive_patience(link[CLIENT]) == -1);
    CHECK(drive_try_data(link[CLIENT], &why) == DRIVE_AGAIN);
    CHECK(drive_patience(link[CLIENT]) > 100 && drive_patience(link[CLIENT]) <= 200);
    /* A call that waits has the whole of its own. */
    pause_for(0.1);
    double start = seconds();
    ENDS(DRIVE_TIMEOUT, "no data came in 0.2 s", drive_read(link[CLIENT], &octet, 1, &why));
    CHECK(seconds() - start > 0.15);
    CHECK(drive_try_data(link[CLIENT], &why) == DRIVE_AGAIN);
    pause_for(0.25);
    ENDS(DRIVE_TIMEOUT, "no data came in 0.2 s", drive_step(link[CLIENT], &why));
    GOES(drive_write(link[SERVER], "y", 1, &why));
    pause_for(0.05);
    GOES(drive_step(link[CLIENT], &why));
    CHECK(drive_try_read(link[CLIENT], &octet, 1, &why) == 1 && octet == 'y' && drive_patience(link[CLIENT]) == -1);
    drive_drop(link[CLIENT]);
    drive_drop(link[SERVER]);
}

/* Reads a little at a time, and rests. */
static void *read_slowly(void *drive) {
    for (int i = 0; i < 16; i++) {
        take_all(drive, ALL / 16, PART);
        pause_for(0.05);
    }
    return NULL;
}

static void a_slow_reader_is_in_time_and_a_stuck_one_is_not(void) {
    static const struct drive_limits HASTY = { .handshake = 30000, .write = 500 };
    char words[64];
    struct drive *link[2];
    struct drive_error why;
    uint8_t *data = malloc(ALL);
    make_link(link, &HASTY, &PATIENT);
    fill(data, 0, ALL);
    double start = seconds();
    pthread_t reader = run(read_slowly, link[SERVER]);
    GOES(drive_write(link[CLIENT], data, ALL, &why));
    join(reader);
    CHECK(seconds() - start > 0.7);
    /* Nobody reads. */
    start = seconds();
    ENDS(DRIVE_TIMEOUT, "did not go in 0.5 s; ", drive_write(link[CLIENT], data, ALL, &why));
    snprintf(words, sizeof words, " of %d octets had gone", ALL);
    CHECK(strstr(why.text, words) != NULL && seconds() - start < 2);
    ENDS(DRIVE_TIMEOUT, "an earlier write timed out", drive_write(link[CLIENT], "x", 1, &why));
    ENDS(DRIVE_TIMEOUT, "an earlier write timed out", drive_close_write(link[CLIENT], &why));
    /* Reading goes on. */
    GOES(drive_write(link[SERVER], "x", 1, &why));
    CHECK(drive_read(link[CLIENT], data, 1, &why) == 1 && *data == 'x');
    /* And the server will not take the part that has come for the whole. */
    start = seconds();
    drive_close(link[CLIENT]);
    CHECK(seconds() - start < 0.5);
    ssize_t got;
    while ((got = drive_read(link[SERVER], data, ALL, &why)) > 0) {
    }
    ENDS(DRIVE_CUT, "", got);
    drive_drop(link[SERVER]);
    free(data);
}

static void a_connection_has_a_lifetime(void) {
    static const struct drive_limits MORTAL = { .lifetime = 1000 };
    struct drive *link[2];
    struct drive_error why;
    uint8_t octet;
    make_link(link, &MORTAL, &PATIENT);
    CHECK(drive_patience(link[CLIENT]) > 0 && drive_patience(link[CLIENT]) <= 1000);
    ENDS(DRIVE_TIMEOUT, "whole connection, 1.0 s", drive_read(link[CLIENT], &octet, 1, &why));
    ENDS(DRIVE_TIMEOUT, "whole connection", drive_write(link[CLIENT], "x", 1, &why));
    ENDS(DRIVE_TIMEOUT, "whole connection", drive_step(link[CLIENT], &why));
    CHECK(drive_patience(link[CLIENT]) == 0);
    drive_drop(link[CLIENT]);
    drive_drop(link[SERVER]);
}

static void *read_until_stopped(void *drive) {
    struct drive_error why;
    uint8_t octet;
    ENDS(DRIVE_STOPPED, "another thread", drive_read(drive, &octet, 1, &why));
    return NULL;
}

static void *write_until_stopped(void *drive) {
    struct drive_error why;
    uint8_t *data = calloc(1, ALL);
    ENDS(DRIVE_STOPPED, "another thread", drive_write(drive, data, ALL, &why));
    free(data);
    return NULL;
}

static void another_thread_wakes_who_waits(void) {
    struct drive *link[2];
    struct drive_error why;
    make_link(link, &PATIENT, &PATIENT);
    pthread_t reader = run(read_until_stopped, link[CLIENT]), writer = run(write_until_stopped, link[CLIENT]);
    pause_for(0.3);
    double start = seconds();
    drive_stop(link[CLIENT]);
    join(reader);
    join(writer);
    CHECK(seconds() - start < 1);
    ENDS(DRIVE_STOPPED, "another thread", drive_step(link[CLIENT], &why));
    CHECK(drive_pending(link[CLIENT]) == 1);
    drive_drop(link[CLIENT]);
    drive_drop(link[SERVER]);
}

static void *read_until_failed(void *drive) {
    struct drive_error why;
    uint8_t octet;
    CHECK(drive_read(drive, &octet, 1, &why) == -1 && why.kind == DRIVE_FAILED);
    return NULL;
}

/* Something that is no record. */
static void *send_garbage(void *socket) {
    pause_for(0.3);
    CHECK(send(*(int *)socket, "garbage, garbage", 16, MSG_NOSIGNAL) == 16);
    return NULL;
}

/* A writer whom the peer does not let go on learns at once that there is no connection any more. */
static void a_failure_wakes_the_other_thread(void) {
    struct drive *link[2];
    struct drive_error why;
    int sockets[2];
    uint8_t *data = calloc(1, ALL);
    make_link_on(sockets, link, &PATIENT, &PATIENT);
    pthread_t reader = run(read_until_failed, link[CLIENT]);
    pthread_t server = run(send_garbage, &sockets[SERVER]);
    double start = seconds();
    CHECK(drive_write(link[CLIENT], data, ALL, &why) == -1 && why.kind == DRIVE_FAILED);
    CHECK(seconds() - start < 5);
    join(reader);
    join(server);
    drive_drop(link[CLIENT]);
    drive_drop(link[SERVER]);
    free(data);
}

/* While nobody reads. */
static void a_peer_that_hung_up_is_noticed(void) {
    struct drive *link[2];
    struct drive_error why;
    uint8_t octet;
    make_link(link, &PATIENT, &PATIENT);
    CHECK(!drive_peer_is_gone(link[SERVER]));
    /* What came before is not lost by asking. */
    GOES(drive_write(link[CLIENT], "x", 1, &why));
    pause_for(0.05);
    CHECK(!drive_peer_is_gone(link[SERVER]));
    CHECK(drive_read(link[SERVER], &octet, 1, &why) == 1 && octet == 'x');
    drive_drop(link[CLIENT]);
    pause_for(0.05);
    CHECK(drive_peer_is_gone(link[SERVER]));
    drive_close(link[SERVER]);
    /* Reset, with data that was not read on either side. */
    int sockets[2];
    make_link_on(sockets, link, &PATIENT, &PATIENT);
    GOES(drive_write(link[CLIENT], "x", 1, &why));
    pause_for(0.05);
    CHECK(drive_pending(link[SERVER]) == 0);
    GOES(drive_step(link[SERVER], &why));
    CHECK(drive_pending(link[SERVER]) == 1);
    struct linger reset = { 1, 0 };
    CHECK(setsockopt(sockets[CLIENT], SOL_SOCKET, SO_LINGER, &reset, sizeof reset) == 0);
    drive_drop(link[CLIENT]);
    pause_for(0.05);
    CHECK(drive_peer_is_gone(link[SERVER]));
    drive_drop(link[SERVER]);
}

static void *refuse(void *drive) {
    struct drive_error why;
    CHECK(drive_handshake(drive, OTLS_STATE_HANDSHAKE_DONE, &why) == -1 && why.alert == 48);
    pause_for(0.2);
    drive_close(drive);
    return NULL;
}

/* The server refuses the client, who is writing by then, and closes with the client's data unread: its alert comes
   before the reset, and is the reason that the client gets. */
static void the_reason_comes_before_the_reset(void) {
    struct drive_error why;
    int sockets[2];
    make_sockets(sockets);
    struct drive *client = client_on(sockets[CLIENT], stranger, &PATIENT);
    struct drive *server = server_on(sockets[SERVER], &PATIENT);
    pthread_t refusing = run(refuse, server);
    GOES(drive_handshake(client, OTLS_STATE_HANDSHAKE_DONE, &why));
    int result;
    do {
        result = drive_write(client, "more, more, more", 16, &why);
        pause_for(0.02);
    } while (result == 0);
    CHECK(why.kind == DRIVE_FAILED && why.code == OTLS_ERROR_ALERT_RECEIVED && why.alert == 48);
    join(refusing);
    drive_close(client);
}

/* A child has a copy, which neither says nor takes anything. */
static void a_child_leaves_the_connection_alone(void) {
    struct drive *link[2];
    struct drive_error why;
    int status;
    make_link(link, &PATIENT, &PATIENT);
    GOES(drive_write(link[SERVER], "x", 1, &why));
    pause_for(0.05);
    for (int close = 0; close < 2; close++) {
        pid_t child = fork();
        if (child == 0) {
            uint8_t octet;
            ENDS(DRIVE_MISUSE, "forked", drive_read(link[CLIENT], &octet, 1, &why));
            ENDS(DRIVE_MISUSE, "forked", drive_write(link[CLIENT], "x", 1, &why));
            ENDS(DRIVE_MISUSE, "forked", drive_step(link[CLIENT], &why));
            drive_stop(link[CLIENT]);
            (close ? drive_close : drive_drop)(link[CLIENT]);
            _exit(0);
        }
        CHECK(waitpid(child, &status, 0) == child && WIFEXITED(status) && WEXITSTATUS(status) == 0);
    }
    uint8_t octet;
    CHECK(drive_read(link[CLIENT], &octet, 1, &why) == 1 && octet == 'x');
    GOES(drive_write(link[CLIENT], "y", 1, &why));
    CHECK(drive_read(link[SERVER], &octet, 1, &why) == 1 && octet == 'y');
    GOES(drive_close_write(link[SERVER], &why));
    TAKES_THE_END(link[CLIENT]);
    drive_close(link[CLIENT]);
    drive_close(link[SERVER]);
}

int main(void) {
    make_world();
    a_cut_connection_is_no_end();
    the_last_data_arrives();
    the_rest_is_sent_before_the_end();
    a_peer_that_never_ends_is_waited_for_a_second();
    a_handshake_has_one_deadline();
    the_time_of_the_caller_does_not_count();
    a_read_is_late_and_the_next_goes_on();
    a_slow_reader_is_in_time_and_a_stuck_one_is_not();
    a_connection_has_a_lifetime();
    another_thread_wakes_who_waits();
    a_failure_wakes_the_other_thread();
    a_peer_that_hung_up_is_noticed();
    the_reason_comes_before_the_reset();
    a_child_leaves_the_connection_alone();
    free_world();
    return 0;
}
