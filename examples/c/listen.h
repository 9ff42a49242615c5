/* A listener on the loopback, for the bank. */
#ifndef OTLS_EXAMPLES_LISTEN_H
#define OTLS_EXAMPLES_LISTEN_H

#include "common.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>

/* Listens on 127.0.0.1 and says on which port; "0" takes a free one. */
static int listen_on(const char *port, int *listener) {
    struct sockaddr_in address = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
    socklen_t len = sizeof address;
    int on = 1;
    address.sin_port = htons((uint16_t)strtoul(port, NULL, 10));
    *listener = socket(AF_INET, SOCK_STREAM, 0);
    setsockopt(*listener, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    if (*listener < 0 || bind(*listener, (struct sockaddr *)&address, sizeof address) || listen(*listener, SOMAXCONN) ||
        getsockname(*listener, (struct sockaddr *)&address, &len)) {
        return fail(NETWORK, "cannot listen", strerror(errno));
    }
    fprintf(stderr, "otp_bank: listening on 127.0.0.1:%u\n", (unsigned)ntohs(address.sin_port));
    return DONE;
}

#endif
