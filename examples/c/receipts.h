/*
 * What the bank does with the receipt that a customer has signed. Nobody can find the code from it.
 */
#ifndef OTLS_EXAMPLES_RECEIPTS_H
#define OTLS_EXAMPLES_RECEIPTS_H

#include "common.h"

#include <fcntl.h>
#include <unistd.h>

/* What the customer has signed; a receipt that proves nothing was refused before. */
static inline int take_receipt(const otls_connection *customer, const otls_otp_message *answer,
                               otls_receipt **receipt) {
    otls_error *error = NULL;
    if (otls_otp_message_receipt(answer, customer, receipt, &error)) {
        return explain("the receipt", error);
    }
    if (*receipt == NULL) {
        return fail(OTP, "otp_bank", "the customer sent no signed receipt");
    }
    return DONE;
}

/* Writes a receipt that the ledger has kept to FOLDER/IDENTIFIER.pem: `otls receipt verify` tells from it, later, who approved what. */
static inline int keep(const char *folder, const otls_receipt *receipt) {
    char name[2 * OTLS_OTP_ID_LEN + 1], path[512];
    uint8_t id[OTLS_OTP_ID_LEN];
    size_t id_len = sizeof id, len;
    otls_error *error = NULL;
    otls_blob *pem = NULL;

    if (folder == NULL) {
        return DONE;
    }
    if (otls_receipt_id(receipt, id, &id_len, &error) || otls_receipt_to_pem(receipt, &pem, &error)) {
        return explain("the receipt", error);
    }
    for (size_t i = 0; i < sizeof id; i++) {
        snprintf(name + 2 * i, 3, "%02x", (unsigned)id[i]);
    }
    snprintf(path, sizeof path, "%s/%s.pem", folder, name);
    const uint8_t *data = otls_blob_data(pem, &len);
    int file = open(path, O_WRONLY | O_CREAT | O_EXCL, 0600);
    int written = file >= 0 && write(file, data, len) == (ssize_t)len && fsync(file) == 0;
    int code = written ? DONE : fail(FILES, path, strerror(errno));
    if (file >= 0) {
        close(file);
    }
    otls_blob_free(pem);
    return code;
}

#endif
