/*
 * The customer: connects to the bank, shows the message with the OTP and returns the code with a
 * signed receipt.
 *
 *     otp_customer CA/cert.pem Client/customer.pem Client/private_key.pem [PORT] [SERVER_NAME]
 *
 * It connects to 127.0.0.1, port 5000 by default, where the bank's certificate must have the server name,
 * `localhost` by default. The message is alone on standard output, all else goes to standard error.
 * OTLS_KEY_PASSWORD is the key's password, if it has one.
 */
#define _POSIX_C_SOURCE 200809L

#include "common.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

/* The bank, and what is said with it. */
struct bank {
    struct drive *drive;
    otls_otp_channel *channel;
};

/* The bank does not keep us waiting for longer. */
static const struct drive_limits LIMITS = { .handshake = 30000, .read = 30000, .write = 30000, .lifetime = 300000 };

static int connect_to(const char *port, int *connected) {
    struct sockaddr_in address = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
    address.sin_port = htons((uint16_t)strtoul(port, NULL, 10));
    *connected = socket(AF_INET, SOCK_STREAM, 0);
    if (*connected < 0 || connect(*connected, (struct sockaddr *)&address, sizeof address)) {
        int code = fail(NETWORK, "cannot connect to the bank", strerror(errno));
        close(*connected);
        return code;
    }
    return DONE;
}

/* The message, alone on standard output. The library refuses a text that is not the transaction's, or that has
 * what a terminal obeys. */
static int show(const otls_otp_message *envelope) {
    size_t len;
    const uint8_t *text = otls_otp_message_text(envelope, &len);
    if (printf("%.*s\n", (int)len, (const char *)text) < 0 || fflush(stdout)) {
        return fail(FILES, "cannot show the message", strerror(errno));
    }
    return DONE;
}

/* The next message, of the one kind that is due. */
static int receive(const struct bank *bank, int32_t kind, otls_otp_message **message) {
    otls_error *error = NULL;
    struct drive_error why;
    while (*message == NULL) {
        int data = drive_data(bank->drive, &why);
        if (data != 1) {
            return data ? tell("the bank", &why) : fail(NETWORK, "the bank", "closed the connection early");
        }
        if (otls_otp_channel_receive(bank->channel, drive_connection(bank->drive), now(), message, &error)) {
            return explain("the bank's message is refused", error);
        }
    }
    return otls_otp_message_kind(*message) == kind ? DONE : fail(PROTOCOL, "the bank", "sent another message");
}

/* Returns the code of the envelope with a signed receipt: what was shown is approved. */
static int approve(const struct bank *bank, const otls_otp_message *envelope) {
    size_t code_len;
    const uint8_t *code = otls_otp_message_code(envelope, &code_len);
    otls_connection *connection = drive_connection(bank->drive);
    struct drive_error why;
    otls_error *error = NULL;
    otls_otp_message *answer = NULL;
    int result = DONE;

    if (otls_otp_message_approval(connection, envelope, code, code_len, now(), &answer, &error) ||
        otls_otp_channel_send(bank->channel, connection, answer, &error)) {
        result = explain("the answer", error);
    } else if (drive_write(bank->drive, "", 0, &why)) {
        result = tell("the answer", &why);
    }
    otls_otp_message_free(answer);
    return result;
}

static int exchange(const struct bank *bank) {
    const otls_connection *connection = drive_connection(bank->drive);
    otls_otp_message *envelope = NULL, *notice = NULL;
    otls_negotiated outcome;
    struct drive_error why;
    /* Confirmed: the bank has accepted our certificate too. */
    int code = drive_handshake(bank->drive, OTLS_STATE_CONFIRMED, &why) ? tell("the connection failed", &why) : DONE;
    if (code == DONE && otls_connection_negotiated(connection, &outcome, NULL) == OTLS_OK) {
        fprintf(stderr, "otp_customer: connected, suite 0x%04X, group 0x%04X, scheme 0x%04X\n",
                (unsigned)outcome.suite, (unsigned)outcome.group, (unsigned)outcome.peer_scheme);
        code = receive(bank, OTLS_OTP_ENVELOPE, &envelope);
    }
    if (code == DONE) {
        code = show(envelope);
    }
    if (code == DONE) {
        code = approve(bank, envelope);
    }
    if (code == DONE) {
        code = receive(bank, OTLS_OTP_VERDICT, &notice);
    }
    if (code == DONE && otls_otp_message_verdict(notice, NULL) != OTLS_VERDICT_ACCEPTED) {
        code = fail(OTP, "otp_customer", "the bank refused the code");
    }
    if (code == DONE) {
        fprintf(stderr, "otp_customer: the bank verified the code: accepted\n");
    }
    otls_otp_message_free(notice);
    otls_otp_message_free(envelope);
    return code;
}

static int run(const otls_client_config *config, const char *port, const char *server_name) {
    struct bank bank = { 0 };
    struct drive_error why;
    otls_error *error = NULL;
    otls_connection *connection = NULL;
    int socket;

    int code = connect_to(port, &socket);
    if (code != DONE) {
        return code;
    }
    if (otls_connection_client(config, server_name, NULL, now(), &connection,
                               &error)) {
        close(socket);
        return explain("otp_customer", error);
    }
    bank.drive = drive_new(socket, connection, &LIMITS, &why);
    if (bank.drive == NULL) {
        return tell("otp_customer", &why);
    }
    code = otls_otp_channel_new(&bank.channel, &error) ? explain("otp_customer", error) : exchange(&bank);
    drive_close(bank.drive);
    otls_otp_channel_free(bank.channel);
    return code;
}

int main(int argc, char **argv) {
    otls_error *error = NULL;
    otls_trust_store *trust = NULL;
    otls_identity *identity = NULL;
    otls_client_config *config = NULL;

    if (argc < 4 || argc > 6) {
        return fail(USAGE, "usage", "otp_customer CA.pem CERTIFICATE.pem KEY.pem [PORT] [SERVER_NAME]");
    }
    int code = load_trust(argv[1], &trust);
    if (code == DONE) {
        code = load_identity(argv[2], argv[3], &identity);
    }
    if (code == DONE && (otls_client_config_new(trust, NULL, &config, &error) ||
                         otls_client_config_add_identity(config, identity, &error))) {
        code = explain("otp_customer", error);
    }
    if (code == DONE) {
        code = run(config, argc > 4 ? argv[4] : DEFAULT_PORT, argc > 5 ? argv[5] : "localhost");
    }
    otls_client_config_free(config);
    otls_identity_free(identity);
    otls_trust_store_free(trust);
    return code;
}
