/*
 * One scenario of docs/interop.md, as a client in C: a loop of poll over the driver.
 *
 *     drive_client SCENARIO HOST PORT FOLDER SIZE
 *
 * FOLDER has ca.pem, client.pem and client.key; the server's name is bank.example. The first line that it sends is
 * "SCENARIO SIZE". It prints "ok ..." and ends with 0 if all came as it should, else "wrong: ..." and ends with 1.
 */
#define _POSIX_C_SOURCE 200809L

#include "common.h"

#include <netdb.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

enum { PIECE = 65536 };

/* What comes after the data that the peer sends. */
enum end { CLEAN, CUT, NOTHING };

/* What a scenario writes and reads. */
struct plan {
    const char *name;
    int writes, reads, answer, early_close;
    enum end end;
    struct drive_limits limits;
};

#define USUAL { .handshake = 30000, .read = 30000, .write = 30000 }

static const struct plan PLANS[] = {
    { "echo", 1, 1, 0, 0, CLEAN, USUAL },
    { "octets", 1, 1, 0, 0, CLEAN, USUAL },
    { "signals", 1, 1, 0, 0, CLEAN, USUAL },
    { "both", 1, 1, 0, 1, CLEAN, USUAL },
    { "half-close", 1, 0, 1, 1, CLEAN, USUAL },
    { "slow", 1, 0, 1, 1, CLEAN, { .handshake = 30000, .read = 30000, .write = 1000 } },
    { "cut", 0, 1, 0, 0, CUT, USUAL },
    { "trickle", 0, 0, 0, 0, NOTHING, { .handshake = 1000, .read = 30000, .write = 30000 } },
    { "cancel", 1, 0, 0, 0, NOTHING, USUAL },
    { "close", 0, 0, 0, 0, NOTHING, USUAL },
    { "select", 0, 1, 0, 0, CLEAN, USUAL },
};

/* A run: where it stands, and what was wrong. */
struct talk {
    struct drive *drive;
    int socket;
    const struct plan *plan;
    size_t size, written, read;
    char line[64], answer[64], wrong[1200];
    struct drive_error why;
};

static double seconds(void) {
    struct timespec clock;
    clock_gettime(CLOCK_MONOTONIC, &clock);
    return (double)clock.tv_sec + (double)clock.tv_nsec / 1e9;
}

static int wrong(struct talk *talk, const char *what, const char *why) {
    snprintf(talk->wrong, sizeof talk->wrong, "%s%s%s (%zu written, %zu read)", what, *why ? ": " : "", why,
             talk->written, talk->read);
    return 1;
}

/* Whether these are the octets that come next: the pattern, or the answer. */
static int is_right(struct talk *talk, const uint8_t *data, size_t len) {
    size_t expected = talk->plan->reads ? talk->size : strlen(talk->answer);
    if (talk->read + len > expected) {
        return !wrong(talk, "more came than was sent", "");
    }
    for (size_t i = 0; i < len; i++, talk->read++) {
        if (data[i] != (talk->plan->reads ? talk->read % 251 : (uint8_t)talk->answer[talk->read])) {
            return !wrong(talk, "another octet came", "");
        }
    }
    return 1;
}

/* The end, as it should be and when. */
static int check_end(struct talk *talk, ssize_t result) {
    size_t expected = talk->plan->reads ? talk->size : strlen(talk->answer);
    enum end end = result == 0 ? CLEAN : talk->why.kind == DRIVE_CUT ? CUT : NOTHING;
    if (end != talk->plan->end) {
        return wrong(talk, "it ended otherwise", result == 0 ? "with close_notify" : talk->why.text);
    }
    return talk->read == expected ? 0 : wrong(talk, "it ended too early", "");
}

/* Writes as much as fits: the line, then the pattern. */
static int write_on(struct talk *talk) {
    size_t line = strlen(talk->line), all = line + (talk->plan->writes ? talk->size : 0);
    uint8_t piece[PIECE];
    ssize_t count = 1;
    while (count > 0 && talk->written < all) {
        size_t len = 0;
        for (; len < PIECE && talk->written + len < all; len++) {
            size_t at = talk->written + len;
            piece[len] = at < line ? (uint8_t)talk->line[at] : (uint8_t)((at - line) % 251);
        }
        count = drive_try_write(talk->drive, piece, len, &talk->why);
        talk->written += count > 0 ? (size_t)count : 0;
    }
    return count == -1 ? -1 : talk->written == all;
}

/* All at once in one loop: 0 if it came as planned. */
static int converse(struct talk *talk) {
    int closed = 0;
    double given_up = seconds() + (strcmp(talk->plan->name, "cancel") == 0 ? 0.5 : 1e9);
    for (;;) {
        struct pollfd socket = { .fd = talk->socket };
        uint8_t data[PIECE];
        ssize_t count = DRIVE_AGAIN;
        int done = write_on(talk);
        if (done < 0) {
            return wrong(talk, "cannot write", talk->why.text);
        }
        if (done && !closed && talk->plan->writes && (talk->plan->early_close || talk->read == talk->size)) {
            closed = 1;
            if (drive_try_close_write(talk->drive, &talk->why)) {
                return wrong(talk, "cannot close the write side", talk->why.text);
            }
        }
        /* The end is not waited for while we write: the peer may take its time. */
        while (closed || !talk->plan->writes || (talk->plan->reads && talk->read < talk->size)) {
            count = drive_try_read(talk->drive, data, sizeof data, &talk->why);
            if (count <= 0) {
                break;
            }
            if (!is_right(talk, data, (size_t)count)) {
                return 1;
            }
        }
        if (count <= 0 && count != DRIVE_AGAIN) {
            return check_end(talk, count);
        }
        if (talk->plan->writes && !closed && done && talk->read == talk->size) {
            continue;
        }
        socket.events = drive_events(talk->drive);
        int patience = drive_patience(talk->drive);
        patience = given_up < 1e8 + seconds() && (patience < 0 || patience > 50) ? 50 : patience;
        if (poll(&socket, 1, patience) < 0 && errno != EINTR) {
            return wrong(talk, "cannot wait", strerror(errno));
        }
        if (seconds() > given_up) {
            return 0;
        }
        if (drive_step(talk->drive, &talk->why) && !(talk->why.kind == DRIVE_CUT && talk->plan->end == CUT)) {
            return wrong(talk, "it failed", talk->why.text);
        }
    }
}

/* Ten octets at a time: asks what is there, and waits for the socket only where nothing is. */
static int select_small(struct talk *talk) {
    for (;;) {
        struct pollfd socket = { .fd = talk->socket, .events = POLLIN };
        uint8_t data[10];
        if (drive_pending(talk->drive) == 0 && poll(&socket, 1, 5000) != 1) {
            return wrong(talk, "poll timed out", "");
        }
        ssize_t count = drive_read(talk->drive, data, sizeof data, &talk->why);
        if (count <= 0) {
            return check_end(talk, count);
        }
        if (!is_right(talk, data, (size_t)count)) {
            return 1;
        }
    }
}

static void *stop_soon(void *drive) {
    struct timespec soon = { 0, 300000000 };
    nanosleep(&soon, NULL);
    drive_stop(drive);
    return NULL;
}

static int close_from_elsewhere(struct talk *talk) {
    uint8_t octet;
    pthread_t other;
    double start = seconds();
    if (pthread_create(&other, NULL, stop_soon, talk->drive)) {
        return wrong(talk, "no thread", "");
    }
    ssize_t count = drive_read(talk->drive, &octet, 1, &talk->why);
    double waited = seconds() - start;
    pthread_join(other, NULL);
    if (count > 0 || (count < 0 && talk->why.kind != DRIVE_STOPPED)) {
        return wrong(talk, "the read ended otherwise", talk->why.text);
    }
    return waited < 1.3 ? 0 : wrong(talk, "the reader slept on", "");
}

static void nothing_happens(int number) {
    (void)number;
}

static int play(struct talk *talk) {
    const char *name = talk->plan->name;
    struct sigaction action = { .sa_handler = nothing_happens };
    struct itimerval often = { { 0, 5000 }, { 0, 5000 } };
    if (strcmp(name, "signals") == 0 && (sigaction(SIGALRM, &action, NULL) || setitimer(ITIMER_REAL, &often, NULL))) {
        return wrong(talk, "no timer", strerror(errno));
    }
    double start = seconds();
    int failed = drive_handshake(talk->drive, OTLS_STATE_HANDSHAKE_DONE, &talk->why);
    double took = seconds() - start;
    if (strcmp(name, "trickle") == 0) {
        int right = failed && talk->why.kind == DRIVE_TIMEOUT && took > 0.8 && took < 2;
        return right ? 0 : wrong(talk, "no timeout in time", failed ? talk->why.text : "");
    }
    if (failed) {
        return wrong(talk, "the handshake", talk->why.text);
    }
    if (strcmp(name, "select") == 0 || strcmp(name, "close") == 0) {
        if (drive_write(talk->drive, talk->line, strlen(talk->line), &talk->why)) {
            return wrong(talk, "cannot write", talk->why.text);
        }
        return strcmp(name, "select") == 0 ? select_small(talk) : close_from_elsewhere(talk);
    }
    start = seconds();
    failed = converse(talk);
    return failed || strcmp(name, "cancel") != 0 || seconds() - start < 3 ? failed : wrong(talk, "it took too long", "");
}

static int connect_to(const char *host, const char *port) {
    struct addrinfo hints = { .ai_socktype = SOCK_STREAM }, *address = NULL;
    int connected = -1;
    if (getaddrinfo(host, port, &hints, &address) == 0) {
        connected = socket(address->ai_family, SOCK_STREAM, 0);
        if (connect(connected, address->ai_addr, address->ai_addrlen)) {
            close(connected);
            connected = -1;
        }
        freeaddrinfo(address);
    }
    return connected;
}

/* The connection of FOLDER's client, or NULL. */
static otls_connection *make_client(const char *folder) {
    char ca[512], chain[512], key[512];
    otls_trust_store *trust = NULL;
    otls_identity *identity = NULL;
    otls_client_config *config = NULL;
    otls_connection *connection = NULL;
    snprintf(ca, sizeof ca, "%s/ca.pem", folder);
    snprintf(chain, sizeof chain, "%s/client.pem", folder);
    snprintf(key, sizeof key, "%s/client.key", folder);
    if (load_trust(ca, &trust) == DONE && load_identity(chain, key, &identity) == DONE) {
        (void)(otls_client_config_new(trust, NULL, &config, NULL) || otls_client_config_add_identity(config, identity, NULL) ||
               otls_connection_client(config, "bank.example", NULL, now(), &connection, NULL));
    }
    otls_client_config_free(config);
    otls_identity_free(identity);
    otls_trust_store_free(trust);
    return connection;
}

int main(int argc, char **argv) {
    struct talk talk = { .socket = -1 };
    for (size_t i = 0; argc == 6 && i < sizeof PLANS / sizeof *PLANS; i++) {
        talk.plan = strcmp(argv[1], PLANS[i].name) == 0 ? &PLANS[i] : talk.plan;
    }
    if (talk.plan == NULL) {
        printf("wrong: usage: drive_client SCENARIO HOST PORT FOLDER SIZE\n");
        return 1;
    }
    talk.size = strtoul(argv[5], NULL, 10);
    snprintf(talk.line, sizeof talk.line, "%s %zu\n", argv[1], talk.size);
    snprintf(talk.answer, sizeof talk.answer, "got %zu\n", talk.size);
    double start = seconds();
    otls_connection *connection = make_client(argv[4]);
    talk.socket = connection == NULL ? -1 : connect_to(argv[2], argv[3]);
    if (talk.socket >= 0) {
        talk.drive = drive_new(talk.socket, connection, &talk.plan->limits, &talk.why);
    }
    if (talk.drive == NULL) {
        printf("wrong: cannot connect to %s:%s with the files of %s\n", argv[2], argv[3], argv[4]);
        return 1;
    }
    int failed = play(&talk);
    /* Without close_notify where it is given up. */
    (failed || strcmp(argv[1], "cancel") == 0 || strcmp(argv[1], "trickle") == 0 ? drive_drop : drive_close)(talk.drive);
    if (failed) {
        printf("wrong: %s\n", talk.wrong);
        return 1;
    }
    printf("ok %s %zu in %.2f s\n", argv[1], talk.size, seconds() - start);
    return 0;
}
