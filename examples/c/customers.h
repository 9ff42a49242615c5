/*
 * The bank's customers, all in one thread: a loop of epoll asks each driver what to wait for, and lets it go on when
 * that has come or a deadline is over. Nobody waits for anybody else.
 */
#ifndef OTLS_EXAMPLES_CUSTOMERS_H
#define OTLS_EXAMPLES_CUSTOMERS_H

#include "transfer.h"

#include <sys/epoll.h>

enum stage { SHAKING_HANDS, ANSWERING, LEAVING };

struct guest {
    struct customer is;
    int socket;
    enum stage stage;
    /* What epoll waits for, and whether some of it has come. */
    uint32_t events;
    int ready;
    struct guest *next;
};

struct house {
    struct bank bank;
    struct drive_limits limits;
    int epoll, listener, signals, listening, leaving;
    /* How many may still come in, how many are here, and who. */
    unsigned long places;
    size_t count, room;
    struct guest *guests;
};

/* The customer's exchange is over: it is told, and gets a moment to end the connection too. */
static inline int dismiss(struct guest *guest, int code) {
    guest->stage = LEAVING;
    drive_try_close(guest->is.drive);
    return code;
}

/* The next message, if it has come whole. */
static inline int answer(const struct bank *bank, struct guest *guest) {
    otls_error *error = NULL;
    otls_otp_message *message = NULL;
    struct drive_error why;
    int data = 1;
    while (message == NULL && (data = drive_try_data(guest->is.drive, &why)) == 1) {
        if (otls_otp_channel_receive(guest->is.channel, drive_connection(guest->is.drive), now(), &message, &error)) {
            return dismiss(guest, explain("the customer's message is refused", error));
        }
    }
    if (message == NULL) {
        return data == DRIVE_AGAIN ? DONE
               : dismiss(guest, data ? tell("the customer", &why) : fail(NETWORK, "the customer", "left early"));
    }
    int code = otls_otp_message_kind(message) == OTLS_OTP_ANSWER ? judge(bank, &guest->is, message)
                                                                 : fail(PROTOCOL, "the customer", "sent no answer");
    otls_otp_message_free(message);
    return dismiss(guest, code);
}

/* Goes on with a customer as far as it can without waiting. `*gone` is whether that was the end. */
static inline int go_on(const struct bank *bank, struct guest *guest, int *gone) {
    struct drive_error why;
    int code = DONE, result = drive_step(guest->is.drive, &why);
    *gone = guest->stage == LEAVING ? result != 0 : 0;
    if (guest->stage == LEAVING) {
        return DONE;
    }
    if (result) {
        code = tell("the customer", &why);
        /* Who is silent is not waited for again. */
        *gone = why.kind == DRIVE_TIMEOUT;
        return *gone ? code : dismiss(guest, code);
    }
    uint32_t state = otls_connection_state(drive_connection(guest->is.drive));
    if (guest->stage == SHAKING_HANDS && (state & OTLS_STATE_HANDSHAKE_DONE)) {
        guest->stage = ANSWERING;
        code = offer(bank, &guest->is);
        if (code != DONE) {
            return dismiss(guest, code);
        }
    }
    return guest->stage == ANSWERING || !(state & OTLS_STATE_WANT_READ) ? answer(bank, guest) : DONE;
}

/* Takes in who is connected to this socket; NULL if it cannot. */
static inline struct guest *admit(const struct bank *bank, int socket, const struct drive_limits *limits) {
    otls_error *error = NULL;
    otls_connection *connection = NULL;
    struct drive_error why;
    struct guest *guest = calloc(1, sizeof *guest);
    if (guest == NULL || otls_connection_server(bank->config, &connection, &error) ||
        otls_otp_channel_new(&guest->is.channel, &error)) {
        explain("otp_bank", error);
        otls_connection_free(connection);
        close(socket);
    } else {
        guest->is.drive = drive_new(socket, connection, limits, &why);
        guest->socket = socket;
    }
    if (guest != NULL && guest->is.drive == NULL) {
        otls_otp_channel_free(guest->is.channel);
        free(guest);
        return NULL;
    }
    return guest;
}

static inline void see_off(struct guest *guest) {
    drive_drop(guest->is.drive);
    otls_otp_channel_free(guest->is.channel);
    otls_blob_free(guest->is.subject);
    free(guest);
}

/* Has epoll wait for what the driver asks for now. */
static inline int watch(int epoll, struct guest *guest, int operation) {
    struct epoll_event wanted = { .events = (uint32_t)drive_events(guest->is.drive), .data.ptr = guest };
    if (operation == EPOLL_CTL_MOD && wanted.events == guest->events) {
        return 0;
    }
    guest->events = wanted.events;
    return epoll_ctl(epoll, operation, guest->socket, &wanted);
}

/* Goes on with all for whom something has come, or whose patience is over. The code of the last that failed. */
static inline int serve_all(struct house *house, int code) {
    for (struct guest **place = &house->guests; *place != NULL;) {
        struct guest *guest = *place;
        int gone = 0;
        if (guest->ready || drive_patience(guest->is.drive) == 0) {
            guest->ready = 0;
            int result = go_on(&house->bank, guest, &gone);
            code = result != DONE ? result : code;
            gone = gone || watch(house->epoll, guest, EPOLL_CTL_MOD);
        }
        if (gone) {
            *place = guest->next;
            house->count--;
            see_off(guest);
        } else {
            place = &guest->next;
        }
    }
    return code;
}

/* How long the first of them has patience. */
static inline int patience(const struct house *house) {
    int least = -1;
    for (const struct guest *guest = house->guests; guest != NULL; guest = guest->next) {
        int left = drive_patience(guest->is.drive);
        least = left >= 0 && (least < 0 || left < least) ? left : least;
    }
    return least;
}

#endif
