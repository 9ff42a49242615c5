/*
 * The bank: serves customers who have a certificate of the authority, sends each an OTP for a transfer and
 * checks the code and the signed receipt that come back.
 *
 *     otp_bank CA/cert.pem Server/bank.pem Server/private_key.pem [PORT] [--count N] [--receipts FOLDER]
 *
 * What customers sign is written to FOLDER. It listens on 127.0.0.1, port 5000 by default; port 0 takes a free
 * one. All it says goes to standard error. OTLS_KEY_PASSWORD is the key's password, if it has one.
 */
#define _POSIX_C_SOURCE 200809L

#include "listen.h"
#include "peer.h"
#include "receipts.h"

static const char *receipts; /* The folder for them; NULL keeps none. */

enum { CODE_LIFETIME = 120, CODE_ATTEMPTS = 3 };

#define TEXT(words) (const uint8_t *)(words), sizeof(words) - 1

/* What the code approves, and nothing else: one changed character is another transaction. */
static int transfer(otls_otp_context **context) {
    otls_error *error = NULL;
    return otls_otp_context_payment(TEXT("transfer"), 10000000, TEXT("INR"), TEXT("your friend's account"),
                                    TEXT("The OTP for transferring {amount} to {payee} is {code}."), context, &error)
               ? explain("the transaction", error)
               : DONE;
}

/* Sends the code, in the text of the transaction. */
static int send_code(struct peer *customer, const otls_otp_issued *issued, const otls_otp_context *context) {
    otls_error *error = NULL;
    otls_otp_message *envelope = NULL;
    int result = otls_otp_message_rendered(issued, context, &envelope, &error) ? explain("the message", error)
                                                                              : peer_send(customer, envelope);
    otls_otp_message_free(envelope);
    return result;
}

/* Judges the code that came back with its receipt, once, and tells the customer. The ledger accepts and keeps both,
   or neither. */
static int judge(struct peer *customer, const otls_otp_ledger *ledger, const otls_blob *subject,
                 const otls_otp_context *context, const otls_otp_message *answer) {
    uint8_t id[OTLS_OTP_ID_LEN];
    size_t id_len = sizeof id, subject_len, code_len;
    const uint8_t *name = otls_blob_data(subject, &subject_len), *code = otls_otp_message_code(answer, &code_len);
    int32_t verdict = 0;
    uint32_t left = 0;
    otls_error *error = NULL;
    otls_otp_message *notice = NULL;
    otls_receipt *receipt = NULL;
    int result = take_receipt(customer, answer, &receipt);

    if (result == DONE && otls_otp_message_id(answer, id, &id_len, &error)) {
        result = explain("the answer", error);
    }
    if (result == DONE && otls_otp_message_decision(answer) != OTLS_DECISION_APPROVED) {
        result = otls_otp_ledger_decline(ledger, id, id_len, name, subject_len, context, receipt, now(), &verdict,
                                         &error)
                     ? explain("the customer declined, and it cannot be kept", error)
                     : keep(receipts, receipt);
        otls_receipt_free(receipt);
        return result == DONE ? fail(OTP, "otp_bank", "the customer declined") : result;
    }
    if (result == DONE && (otls_otp_ledger_verify(ledger, id, id_len, name, subject_len, context, code, code_len,
                                                  receipt, now(), &verdict, &left, &error) ||
                           otls_otp_message_of_verdict(id, id_len, verdict, left, &notice, &error))) {
        result = explain("the code cannot be judged", error);
    }
    if (result == DONE && verdict == OTLS_VERDICT_ACCEPTED) {
        result = keep(receipts, receipt);
    }
    if (result == DONE) {
        result = peer_send(customer, notice);
    }
    otls_receipt_free(receipt);
    otls_otp_message_free(notice);
    if (result == DONE && verdict != OTLS_VERDICT_ACCEPTED) {
        return fail(OTP, "otp_bank", "the code was refused");
    }
    if (result == DONE) {
        fprintf(stderr, "otp_bank: the code of %.*s was verified: accepted\n", (int)subject_len, (const char *)name);
    }
    return result;
}

/* One OTP, from issue to verdict. */
static int exchange(struct peer *customer, const otls_otp_ledger *ledger, const otls_otp_context *context,
                    const otls_blob *subject) {
    size_t len;
    const uint8_t *name = otls_blob_data(subject, &len);
    otls_error *error = NULL;
    otls_otp_issued *issued = NULL;
    otls_otp_message *answer = NULL;

    if (otls_otp_ledger_issue(ledger, name, len, context, CODE_LIFETIME, CODE_ATTEMPTS, now(), &issued, &error)) {
        return explain("no code can be issued", error);
    }
    int code = send_code(customer, issued, context);
    otls_otp_issued_free(issued);
    if (code == DONE) {
        fprintf(stderr, "otp_bank: sent an OTP to %.*s\n", (int)len, (const char *)name);
        code = peer_receive(customer, OTLS_OTP_ANSWER, &answer);
    }
    if (code == DONE) {
        code = judge(customer, ledger, subject, context, answer);
    }
    otls_otp_message_free(answer);
    return code;
}

static int serve(int socket, const otls_config *config, const otls_otp_ledger *ledger,
                 const otls_otp_context *context) {
    struct peer customer;
    otls_error *error = NULL;
    otls_connection *connection = NULL;
    otls_certificate *certificate = NULL;
    otls_blob *subject = NULL;

    if (otls_connection_server(config, now(), &connection, &error)) {
        close(socket);
        return explain("otp_bank", error);
    }
    int code = peer_open(&customer, socket, connection);
    if (code == DONE) {
        code = peer_wait(&customer, OTLS_STATE_HANDSHAKE_DONE);
    }
    if (code == DONE && (otls_connection_peer(connection, &certificate, &error) ||
                         otls_certificate_common_name(certificate, &subject, &error))) {
        code = explain("the customer", error);
    }
    if (code == DONE) {
        code = exchange(&customer, ledger, context, subject);
    }
    otls_blob_free(subject);
    otls_certificate_free(certificate);
    peer_close(&customer);
    return code;
}

int main(int argc, char **argv) {
    otls_error *error = NULL;
    otls_trust_store *trust = NULL;
    otls_identity *identity = NULL;
    otls_config *config = NULL;
    otls_otp_ledger *ledger = NULL;
    otls_otp_context *context = NULL;
    unsigned long count = 1;
    int listener = -1;

    for (; argc > 5 && strncmp(argv[argc - 2], "--", 2) == 0; argc -= 2) {
        if (strcmp(argv[argc - 2], "--count") == 0) {
            count = strtoul(argv[argc - 1], NULL, 10);
        } else if (strcmp(argv[argc - 2], "--receipts") == 0) {
            receipts = argv[argc - 1];
        } else {
            count = 0;
        }
    }
    if (argc < 4 || argc > 5 || count == 0) {
        return fail(USAGE, "usage",
                    "otp_bank CA.pem CERTIFICATE.pem KEY.pem [PORT] [--count N] [--receipts FOLDER]");
    }
    int code = load_trust(argv[1], &trust);
    if (code == DONE) {
        code = load_identity(argv[2], argv[3], &identity);
    }
    /* Mutual authentication: a customer without a certificate of the authority is not served. */
    if (code == DONE && (otls_config_server_require(identity, trust, &config, &error) ||
                         otls_otp_ledger_open((const uint8_t *)"memory:", 7, NULL, 0, &ledger, &error))) {
        code = explain("otp_bank", error);
    }
    if (code == DONE) {
        code = transfer(&context);
    }
    if (code == DONE) {
        code = listen_on(argc == 5 ? argv[4] : DEFAULT_PORT, &listener);
    }
    for (; code == DONE && count > 0; count--) {
        int socket = accept(listener, NULL, NULL);
        code = socket < 0 ? fail(NETWORK, "cannot accept", strerror(errno)) : serve(socket, config, ledger, context);
    }
    close(listener);
    otls_otp_context_free(context);
    otls_otp_ledger_free(ledger);
    otls_config_free(config);
    otls_identity_free(identity);
    otls_trust_store_free(trust);
    return code;
}
