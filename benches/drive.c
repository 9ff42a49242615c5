/* A loop of epoll with the driver of examples/c beside one with OpenSSL: prints the CPU seconds of both sides.
 * `benches/stream.py` runs it.
 *
 *     drive otls|openssl handshakes|bulk|echo COUNT FOLDER
 *
 * COUNT is of handshakes, of pieces of 256 KiB, or of echoes of 16 KiB; FOLDER has root.pem, server.pem and client.pem.
 */
#define _GNU_SOURCE

#include "../examples/c/drive.h"
#include "../tests/c/check.h"

#include <openssl/ssl.h>
#include <signal.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { PIECE = 256 * 1024, RECORD = 16 * 1024, READ = 64 * 1024 };

static const char *const NAME = "bank.example";

static uint8_t buffer[PIECE];

struct side {
    int is_server, fd, epoll;
    uint32_t events;
    struct drive *drive;
    SSL *ssl;
};

static otls_server_config *for_server;
static otls_client_config *for_client;
static SSL_CTX *context;

static void wait_for(struct side *s, uint32_t events) {
    struct epoll_event event = { .events = events };
    if (events != s->events) {
        CHECK(epoll_ctl(s->epoll, s->events ? EPOLL_CTL_MOD : EPOLL_CTL_ADD, s->fd, &event) == 0);
        s->events = events;
    }
    CHECK(epoll_wait(s->epoll, &event, 1, 30000) == 1);
}

/* Waits for what the library wants after a call that could not go on. */
static void wait_on(struct side *s, int result) {
    struct drive_error why;
    if (s->drive != NULL) {
        wait_for(s, (uint32_t)drive_events(s->drive));
        CHECK(drive_step(s->drive, &why) == 0);
        return;
    }
    int error = SSL_get_error(s->ssl, result);
    CHECK(error == SSL_ERROR_WANT_READ || error == SSL_ERROR_WANT_WRITE);
    wait_for(s, error == SSL_ERROR_WANT_READ ? EPOLLIN : EPOLLOUT);
}

static void receive(struct side *s, size_t len) {
    while (len > 0) {
        ssize_t got = s->drive != NULL ? drive_try_read(s->drive, buffer, READ, NULL) : SSL_read(s->ssl, buffer, READ);
        if (got > 0) {
            len -= (size_t)got;
        } else {
            wait_on(s, (int)got);
        }
    }
}

static void send_all(struct side *s, size_t len) {
    size_t taken = 0;
    while (taken < len) {
        ssize_t more = s->drive != NULL ? drive_try_write(s->drive, buffer, len - taken, NULL)
                                        : SSL_write(s->ssl, buffer, (int)(len - taken));
        if (more > 0) {
            taken += (size_t)more;
        } else {
            wait_on(s, (int)more);
        }
    }
    while (s->drive != NULL && (drive_events(s->drive) & EPOLLOUT)) {
        wait_on(s, 0);
    }
}

static void start(struct side *s, const char *library) {
    otls_error *error;
    otls_connection *connection;
    struct drive_limits limits = { 30000, 30000, 30000, 0 };
    s->epoll = epoll_create1(0);
    if (strcmp(library, "otls") == 0) {
        if (s->is_server) {
            WORKS(otls_connection_server(for_server, &connection, &error));
        } else {
            WORKS(otls_connection_client(for_client, NAME, NULL, (uint64_t)time(NULL), &connection, &error));
        }
        s->drive = drive_new(s->fd, connection, &limits, NULL);
        CHECK(s->drive != NULL && drive_step(s->drive, NULL) == 0);
        while (!(otls_connection_state(drive_connection(s->drive)) & OTLS_STATE_HANDSHAKE_DONE)) {
            wait_on(s, 0);
        }
        return;
    }
    struct side *side = s;
    int result;
    CHECK((side->ssl = SSL_new(context)) != NULL && SSL_set_fd(s->ssl, s->fd) == 1);
    CHECK(s->is_server || (SSL_set1_host(s->ssl, NAME) == 1 && SSL_set_tlsext_host_name(s->ssl, NAME) == 1));
    while ((result = s->is_server ? SSL_accept(s->ssl) : SSL_connect(s->ssl)) != 1) {
        wait_on(s, result);
    }
}

static void end(struct side *s) {
    if (s->drive != NULL) {
        drive_drop(s->drive);
    } else {
        SSL_free(s->ssl);
        close(s->fd);
    }
    close(s->epoll);
}

static size_t file(const char *folder, const char *name, char *path, uint8_t *data, size_t room) {
    snprintf(path, 4096, "%s/%s.pem", folder, name);
    FILE *opened = fopen(path, "rb");
    CHECK(opened != NULL);
    size_t len = fread(data, 1, room, opened);
    fclose(opened);
    return len;
}

static void configure(const char *library, const char *folder, int is_server) {
    static char path[4096];
    static uint8_t data[16384];
    const char *own = is_server ? "server" : "client";
    if (strcmp(library, "otls") == 0) {
        otls_error *error;
        otls_certificate *root;
        otls_identity *identity;
        otls_trust_store *trust;
        WORKS(otls_certificate_load(data, file(folder, "root", path, data, sizeof data), &root, &error));
        WORKS(otls_trust_store_new(&trust, &error));
        WORKS(otls_trust_store_add(trust, root, &error));
        WORKS(otls_identity_load(data, file(folder, own, path, data, sizeof data), NULL, 0, &identity, &error));
        static const uint16_t suite = 0x1302, group = 29; /* TLS_AES_256_GCM_SHA384, x25519 */
        otls_settings settings = { .suites = &suite, .suite_count = 1, .groups = &group, .group_count = 1 };
        if (is_server) {
            WORKS(otls_server_config_require(identity, trust, &settings, &for_server, &error));
        } else {
            WORKS(otls_client_config_new(trust, &settings, &for_client, &error));
            WORKS(otls_client_config_add_identity(for_client, identity, &error));
        }
        return;
    }
    CHECK((context = SSL_CTX_new(is_server ? TLS_server_method() : TLS_client_method())) != NULL);
    SSL_CTX_set_min_proto_version(context, TLS1_3_VERSION);
    SSL_CTX_set_num_tickets(context, 0);
    SSL_CTX_set_mode(context, SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
    CHECK(SSL_CTX_set_ciphersuites(context, "TLS_AES_256_GCM_SHA384") == 1);
    CHECK(SSL_CTX_set1_groups_list(context, "X25519") == 1);
    file(folder, "root", path, data, sizeof data);
    CHECK(SSL_CTX_load_verify_locations(context, path, NULL) == 1);
    SSL_CTX_set_verify(context, SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, NULL);
    file(folder, own, path, data, sizeof data);
    CHECK(SSL_CTX_use_certificate_chain_file(context, path) == 1);
    CHECK(SSL_CTX_use_PrivateKey_file(context, path, SSL_FILETYPE_PEM) == 1);
}

/* One side's part. Only the server's word says that the client's certificate was good. */
static void play(const char *library, const char *work, int is_server, int (*pairs)[2], size_t count) {
    size_t connections = strcmp(work, "handshakes") == 0 ? count : 1;
    for (size_t i = 0; i < connections; i++) {
        struct side s = { .is_server = is_server, .fd = pairs[i][is_server] };
        start(&s, library);
        for (size_t n = 0; strcmp(work, "handshakes") != 0 && n < count; n++) {
            if (strcmp(work, "bulk") == 0) {
                is_server ? receive(&s, PIECE) : send_all(&s, PIECE);
                continue;
            }
            if (!is_server) {
                send_all(&s, RECORD);
            }
            receive(&s, RECORD);
            if (is_server) {
                send_all(&s, RECORD);
            }
        }
        is_server ? send_all(&s, 1) : receive(&s, 1);
        end(&s);
    }
}

static double seconds(int who) {
    struct rusage used;
    getrusage(who, &used);
    return (double)(used.ru_utime.tv_sec + used.ru_stime.tv_sec) +
           (double)(used.ru_utime.tv_usec + used.ru_stime.tv_usec) / 1e6;
}

int main(int argc, char **argv) {
    static int pairs[200][2];
    CHECK(argc == 5);
    size_t count = strtoul(argv[3], NULL, 10), connections = strcmp(argv[2], "handshakes") == 0 ? count : 1;
    int status;
    CHECK(connections <= 200);
    signal(SIGPIPE, SIG_IGN);
    for (size_t i = 0; i < connections; i++) {
        CHECK(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, pairs[i]) == 0);
    }
    pid_t child = fork();
    CHECK(child >= 0);
    configure(argv[1], argv[4], child == 0);
    double begin = seconds(RUSAGE_SELF);
    play(argv[1], argv[2], child == 0, pairs, count);
    double used = seconds(RUSAGE_SELF) - begin;
    if (child == 0) {
        _exit(0);
    }
    CHECK(waitpid(child, &status, 0) == child && status == 0);
    printf("%.6f\n", used + seconds(RUSAGE_CHILDREN));
    return 0;
}
