/* Reads what the library lent after it is freed, which valgrind and AddressSanitizer have to see. */
#include "check.h"

int main(void) {
    otls_error *error;
    otls_blob *pem;
    otls_key *key;
    size_t len;
    WORKS(otls_key_generate(OTLS_KEY_ECDSA_P256, &key, &error));
    WORKS(otls_key_export(key, PLAIN(OTLS_FORMAT_PKCS8, OTLS_ENCODING_PEM), &pem, &error));
    otls_key_free(key);
    const uint8_t *data = otls_blob_data(pem, &len);
    otls_blob_free(pem);
    return data[len - 1] == 'x' ? 3 : 0;
}
