/* The loop that the header shows, as a client of the scenario "select" (drive_client.c): reads to the clean end. */
#define _POSIX_C_SOURCE 200809L

#include "common.h"

#include <arpa/inet.h>
#include <sys/socket.h>
#include <unistd.h>

#include "the loop of otls.h"

static int connect_to(const char *port) {
    struct sockaddr_in address = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
    int connected = socket(AF_INET, SOCK_STREAM, 0);
    address.sin_port = htons((uint16_t)strtoul(port, NULL, 10));
    return connect(connected, (struct sockaddr *)&address, sizeof address) ? -1 : connected;
}

/* Everything, to the clean end; how much it was. */
static size_t read_all(otls_connection *connection, int socket, struct inbox *in, otls_error **error) {
    uint8_t data[10];
    size_t all = 0, opened = 0;
    while (carry(connection, socket, in, OTLS_STATE_HAVE_PLAINTEXT, error) == 1) {
        if (otls_connection_read(connection, data, sizeof data, &opened, NULL)) {
            return 0;
        }
        for (size_t i = 0; i < opened; i++, all++) {
            if (data[i] != all % 251) {
                return 0;
            }
        }
    }
    return all;
}

/* header_loop select HOST PORT FOLDER SIZE */
int main(int argc, char **argv) {
    static struct inbox in;
    char ca[512], chain[512], key[512], line[64];
    otls_trust_store *trust = NULL;
    otls_identity *identity = NULL;
    otls_client_config *config = NULL;
    otls_connection *connection = NULL;
    otls_error *error = NULL;
    if (argc != 6) {
        return fail(USAGE, "usage", "header_loop select HOST PORT FOLDER SIZE");
    }
    snprintf(ca, sizeof ca, "%s/ca.pem", argv[4]);
    snprintf(chain, sizeof chain, "%s/client.pem", argv[4]);
    snprintf(key, sizeof key, "%s/client.key", argv[4]);
    snprintf(line, sizeof line, "%s %s\n", argv[1], argv[5]);
    int code = load_trust(ca, &trust);
    code = code == DONE ? load_identity(chain, key, &identity) : code;
    if (code == DONE && (otls_client_config_new(trust, NULL, &config, &error) ||
                         otls_client_config_add_identity(config, identity, &error) ||
                         otls_connection_client(config, "bank.example", NULL, now(), &connection, &error))) {
        code = explain("the client", error);
    }
    int socket = connect_to(argv[3]);
    size_t all = 0;
    if (code == DONE && carry(connection, socket, &in, OTLS_STATE_HANDSHAKE_DONE, &error) == 1 &&
        otls_connection_seal(connection, (const uint8_t *)line, strlen(line), &error) == OTLS_OK) {
        all = read_all(connection, socket, &in, &error);
    }
    code = error != NULL ? explain("the loop", error) : code;
    if (code == DONE && all == strtoul(argv[5], NULL, 10)) {
        printf("ok %s %zu\n", argv[1], all);
    } else {
        printf("wrong: %zu came\n", all);
    }
    close(socket);
    otls_connection_free(connection);
    otls_client_config_free(config);
    otls_identity_free(identity);
    otls_trust_store_free(trust);
    return code;
}
