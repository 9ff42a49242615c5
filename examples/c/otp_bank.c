/*
 * The bank: serves customers who have a certificate of the authority, many at once in one thread. It sends each an OTP
 * for a transfer and checks the code and the signed receipt that come back.
 *
 *     otp_bank CA/cert.pem Server/bank.pem Server/private_key.pem [PORT] [--count N] [--patience SECONDS]
 *              [--receipts FOLDER]
 *
 * It ends after N customers, 1 by default; 0 serves until SIGTERM or SIGINT, which let those who are being served
 * finish and then end it with 0. Who says nothing for SECONDS, 30 by default, is dropped. What customers sign is
 * written to FOLDER. It listens on 127.0.0.1, port 5000 by default; port 0 takes a free one. All it says goes to
 * standard error. OTLS_KEY_PASSWORD is the key's password, if it has one.
 */
#define _GNU_SOURCE

#include "customers.h"
#include "listen.h"

#include <signal.h>
#include <sys/signalfd.h>

enum {
    /* A process has 1,024 descriptors unless somebody asks for more. */
    MAX_GUESTS = 1000,
    MAX_EVENTS = 64,
    /* The time of a whole connection: the code's, and some for its way. */
    LIFETIME = (CODE_LIFETIME + 30) * 1000
};

static int watch_plain(struct house *house, int operation, int descriptor, int *marker) {
    struct epoll_event wanted = { .events = EPOLLIN, .data.ptr = marker };
    return epoll_ctl(house->epoll, operation, descriptor, &wanted);
}

static void shut(int *descriptor) {
    if (*descriptor >= 0) {
        close(*descriptor);
    }
    *descriptor = -1;
}

/* The door is open while there is room, and gone once nobody may come in any more. */
static int mind_the_door(struct house *house) {
    if (house->leaving || house->places == 0) {
        shut(&house->listener);
        return 0;
    }
    int open = house->count < house->room;
    if (open != house->listening) {
        house->listening = open;
        return watch_plain(house, open ? EPOLL_CTL_ADD : EPOLL_CTL_DEL, house->listener, &house->listener);
    }
    return 0;
}

static int let_in(struct house *house) {
    int socket = accept(house->listener, NULL, NULL);
    if (socket < 0) {
        /* Without descriptors, somebody has to leave before the next comes in. */
        int full = errno == EMFILE || errno == ENFILE || errno == ENOBUFS || errno == ENOMEM;
        house->room = full && house->count > 0 ? house->count : house->room;
        return full && house->count == 0 ? fail(NETWORK, "cannot accept", strerror(errno)) : DONE;
    }
    struct guest *guest = admit(&house->bank, socket, &house->limits);
    if (guest == NULL) {
        return INTERNAL;
    }
    guest->next = house->guests;
    house->guests = guest;
    house->count++;
    house->places--;
    return watch(house->epoll, guest, EPOLL_CTL_ADD) ? fail(NETWORK, "cannot watch", strerror(errno)) : DONE;
}

static int run(struct house *house) {
    struct epoll_event events[MAX_EVENTS];
    int code = DONE, failed = DONE;
    while (failed == DONE && (house->count > 0 || (house->places > 0 && !house->leaving))) {
        int count = mind_the_door(house) ? -1 : epoll_wait(house->epoll, events, MAX_EVENTS, patience(house));
        if (count < 0 && errno != EINTR) {
            failed = fail(NETWORK, "cannot wait", strerror(errno));
        }
        for (int i = 0; i < count && failed == DONE; i++) {
            if (events[i].data.ptr == &house->listener) {
                failed = let_in(house);
            } else if (events[i].data.ptr == &house->signals) {
                house->leaving = 1;
                watch_plain(house, EPOLL_CTL_DEL, house->signals, NULL);
            } else {
                ((struct guest *)events[i].data.ptr)->ready = 1;
            }
        }
        code = serve_all(house, code);
    }
    while (house->guests != NULL) {
        struct guest *guest = house->guests;
        house->guests = guest->next;
        see_off(guest);
    }
    return failed != DONE ? failed : house->leaving ? DONE : code;
}

/* Signals come to the loop like everything else. */
static int open_house(struct house *house, const char *port) {
    sigset_t signals;
    sigemptyset(&signals);
    sigaddset(&signals, SIGTERM);
    sigaddset(&signals, SIGINT);
    int code = sigprocmask(SIG_BLOCK, &signals, NULL) ? INTERNAL : listen_on(port, &house->listener);
    house->signals = signalfd(-1, &signals, SFD_CLOEXEC);
    house->epoll = epoll_create1(EPOLL_CLOEXEC);
    if (code == DONE && (fcntl(house->listener, F_SETFL, O_NONBLOCK) ||
                         watch_plain(house, EPOLL_CTL_ADD, house->signals, &house->signals))) {
        code = fail(NETWORK, "cannot listen", strerror(errno));
    }
    return code;
}

int main(int argc, char **argv) {
    otls_error *error = NULL;
    otls_trust_store *trust = NULL;
    otls_identity *identity = NULL;
    otls_server_config *config = NULL;
    otls_otp_ledger *ledger = NULL;
    otls_otp_context *context = NULL;
    unsigned long count = 1, patient = 30;
    struct house house = { .room = MAX_GUESTS, .epoll = -1, .listener = -1, .signals = -1 };

    for (; argc > 5 && strncmp(argv[argc - 2], "--", 2) == 0; argc -= 2) {
        if (strcmp(argv[argc - 2], "--count") == 0) {
            count = strtoul(argv[argc - 1], NULL, 10);
        } else if (strcmp(argv[argc - 2], "--patience") == 0) {
            patient = strtoul(argv[argc - 1], NULL, 10);
        } else if (strcmp(argv[argc - 2], "--receipts") == 0) {
            house.bank.receipts = argv[argc - 1];
        } else {
            patient = 0;
        }
    }
    if (argc < 4 || argc > 5 || patient == 0 || patient > 3600) {
        return fail(USAGE, "usage", "otp_bank CA.pem CERTIFICATE.pem KEY.pem [PORT] [--count N] [--patience SECONDS] "
                                    "[--receipts FOLDER]");
    }
    house.places = count == 0 ? (unsigned long)-1 : count;
    house.limits.handshake = house.limits.read = house.limits.write = (uint32_t)patient * 1000;
    house.limits.lifetime = LIFETIME;
    int code = load_trust(argv[1], &trust);
    if (code == DONE) {
        code = load_identity(argv[2], argv[3], &identity);
    }
    /* Mutual authentication: a customer without a certificate of the authority is not served. */
    if (code == DONE && (otls_server_config_require(identity, trust, NULL, &config, &error) ||
                         otls_otp_ledger_open("memory:", NULL, 0, NULL, &ledger, &error))) {
        code = explain("otp_bank", error);
    }
    if (code == DONE) {
        code = transfer(&context);
    }
    house.bank.config = config;
    house.bank.ledger = ledger;
    house.bank.context = context;
    if (code == DONE) {
        code = open_house(&house, argc == 5 ? argv[4] : DEFAULT_PORT);
    }
    if (code == DONE) {
        code = run(&house);
    }
    shut(&house.epoll);
    shut(&house.signals);
    shut(&house.listener);
    otls_otp_context_free(context);
    otls_otp_ledger_free(ledger);
    otls_server_config_free(config);
    otls_identity_free(identity);
    otls_trust_store_free(trust);
    return code;
}
