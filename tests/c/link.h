/* A client and a server over a socket of the loopback, each with its driver, for the tests of the driver. */
#ifndef OTLS_TESTS_LINK_H
#define OTLS_TESTS_LINK_H

/* The driver sets the time of a connection by the clock. */
#define LONG_AGO 1
#define NOW ((uint64_t)time(NULL))

#include <time.h>

#include "check.h"
#include "drive.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum { CLIENT, SERVER };

/* Long enough for a machine that does other things as well. */
static const struct drive_limits PATIENT = { .handshake = 30000, .read = 30000, .write = 30000 };

static otls_trust_store *trust;
static otls_identity *bank, *customer, *stranger;

static inline void make_world(void) {
    otls_authority *authority = make_authority("Root"), *other = make_authority("Other");
    trust = make_trust(authority);
    bank = make_identity(authority, "bank.example", OTLS_PROFILE_SERVER);
    customer = make_identity(authority, "customer.example", OTLS_PROFILE_CLIENT);
    stranger = make_identity(other, "stranger.example", OTLS_PROFILE_CLIENT);
    otls_authority_free(authority);
    otls_authority_free(other);
}

static inline void free_world(void) {
    otls_identity_free(stranger);
    otls_identity_free(customer);
    otls_identity_free(bank);
    otls_trust_store_free(trust);
}

static inline double seconds(void) {
    struct timespec clock;
    clock_gettime(CLOCK_MONOTONIC, &clock);
    return (double)clock.tv_sec + (double)clock.tv_nsec / 1e9;
}

static inline void pause_for(double time) {
    struct timespec left = { (time_t)time, (long)((time - (double)(time_t)time) * 1e9) };
    while (nanosleep(&left, &left)) {
    }
}

static inline pthread_t run(void *(*what)(void *), void *argument) {
    pthread_t thread;
    CHECK(pthread_create(&thread, NULL, what, argument) == 0);
    return thread;
}

static inline void join(pthread_t thread) {
    CHECK(pthread_join(thread, NULL) == 0);
}

/* Two ends of a connection. What lies in the kernel is little, so that a megabyte does not fit. */
static inline void make_sockets(int *ends) {
    struct sockaddr_in address = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
    socklen_t len = sizeof address;
    int little = 16384, listener = socket(AF_INET, SOCK_STREAM, 0);
    ends[CLIENT] = socket(AF_INET, SOCK_STREAM, 0);
    for (int i = 0; i < 2; i++) {
        int of = i ? listener : ends[CLIENT];
        setsockopt(of, SOL_SOCKET, SO_SNDBUF, &little, sizeof little);
        setsockopt(of, SOL_SOCKET, SO_RCVBUF, &little, sizeof little);
    }
    CHECK(bind(listener, (struct sockaddr *)&address, sizeof address) == 0 && listen(listener, 1) == 0);
    CHECK(getsockname(listener, (struct sockaddr *)&address, &len) == 0);
    CHECK(connect(ends[CLIENT], (struct sockaddr *)&address, sizeof address) == 0);
    ends[SERVER] = accept(listener, NULL, NULL);
    CHECK(ends[SERVER] >= 0 && close(listener) == 0);
}

static inline struct drive *client_on(int socket, const otls_identity *identity, const struct drive_limits *limits) {
    otls_error *error;
    otls_client_config *config;
    otls_connection *connection;
    WORKS(otls_client_config_new(trust, NULL, &config, &error));
    WORKS(otls_client_config_add_identity(config, identity, &error));
    WORKS(otls_connection_client(config, "bank.example", NULL, LONG_AGO, &connection, &error));
    otls_client_config_free(config);
    struct drive *drive = drive_new(socket, connection, limits, NULL);
    CHECK(drive != NULL && drive_connection(drive) == connection);
    return drive;
}

static inline otls_server_config *config_of_server(void) {
    otls_error *error;
    otls_server_config *config;
    WORKS(otls_server_config_require(bank, trust, NULL, &config, &error));
    return config;
}

static inline struct drive *server_on(int socket, const struct drive_limits *limits) {
    otls_error *error;
    otls_connection *connection;
    otls_server_config *config = config_of_server();
    WORKS(otls_connection_server(config, &connection, &error));
    otls_server_config_free(config);
    return drive_new(socket, connection, limits, NULL);
}

/* The call succeeds. */
#define GOES(call) check(goes((call) >= 0, &why), #call, __FILE__, __LINE__)

/* The call fails in this way, and says so with these words. */
#define ENDS(how, words, call) check(ends((call) == -1, (how), (words), &why), #call, __FILE__, __LINE__)

static inline int goes(int right, const struct drive_error *why) {
    if (!right) {
        fprintf(stderr, "%d: %s\n", (int)why->kind, why->text);
    }
    return right;
}

static inline int ends(int failed, enum drive_failure how, const char *words, const struct drive_error *why) {
    int right = failed && why->kind == how && strstr(why->text, words) != NULL;
    if (failed && !right) {
        fprintf(stderr, "%d instead of %d: %s\n", (int)why->kind, (int)how, why->text);
    }
    return right;
}

static inline void *shake_as_server(void *drive) {
    struct drive_error why;
    GOES(drive_handshake(drive, OTLS_STATE_HANDSHAKE_DONE, &why));
    return NULL;
}

/* Both have finished the handshake, and the client has what the server says after it. */
static inline void shake(struct drive **link) {
    struct drive_error why;
    pthread_t server = run(shake_as_server, link[SERVER]);
    GOES(drive_handshake(link[CLIENT], OTLS_STATE_CONFIRMED, &why));
    join(server);
}

static inline void make_link_on(int *sockets, struct drive **link, const struct drive_limits *client,
                                const struct drive_limits *server) {
    make_sockets(sockets);
    link[CLIENT] = client_on(sockets[CLIENT], customer, client);
    link[SERVER] = server_on(sockets[SERVER], server);
    shake(link);
}

static inline void make_link(struct drive **link, const struct drive_limits *client,
                             const struct drive_limits *server) {
    int sockets[2];
    make_link_on(sockets, link, client, server);
}

/* A relay passes one octet at a time, and rests in between. */
struct relay {
    int from, to;
    double rest;
};

static inline void *relay(void *argument) {
    const struct relay *relay = argument;
    char octet;
    while (recv(relay->from, &octet, 1, 0) == 1 && send(relay->to, &octet, 1, MSG_NOSIGNAL) == 1) {
        if (relay->rest > 0) {
            pause_for(relay->rest);
        }
    }
    shutdown(relay->to, SHUT_WR);
    return NULL;
}

/* Data has a pattern, and is checked by where it stands. */
static inline void fill(uint8_t *data, size_t at, size_t len) {
    for (size_t i = 0; i < len; i++) {
        data[i] = (uint8_t)((at + i) % 251);
    }
}

struct sending {
    struct drive *drive;
    size_t size, part;
    int close_write;
};

static inline void *send_all(void *argument) {
    const struct sending *sending = argument;
    struct drive_error why;
    uint8_t *data = malloc(sending->part);
    for (size_t at = 0; at < sending->size; at += sending->part) {
        size_t len = sending->size - at < sending->part ? sending->size - at : sending->part;
        fill(data, at, len);
        GOES(drive_write(sending->drive, data, len, &why));
    }
    free(data);
    if (sending->close_write) {
        GOES(drive_close_write(sending->drive, &why));
    }
    return NULL;
}

/* Reads this much, and checks it. */
static inline void take_all(struct drive *drive, size_t size, size_t part) {
    struct drive_error why;
    uint8_t data[4096], right[4096];
    for (size_t at = 0; at < size;) {
        ssize_t got = drive_read(drive, data, size - at < part ? size - at : part, &why);
        GOES(got);
        CHECK(got > 0 && at + (size_t)got <= size);
        fill(right, at, (size_t)got);
        CHECK(memcmp(data, right, (size_t)got) == 0);
        at += (size_t)got;
    }
}

#define TAKES_THE_END(drive) GOES(take_end(drive, &why))

static inline int take_end(struct drive *drive, struct drive_error *why) {
    uint8_t data[1];
    ssize_t got = drive_read(drive, data, 1, why);
    CHECK(got <= 0);
    return (int)got;
}

#endif
