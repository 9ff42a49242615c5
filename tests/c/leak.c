/* Forgets errors, which valgrind and AddressSanitizer have to see: several, since the last one's address may
 * still lie about. */
#include "check.h"

int main(void) {
    otls_error *error;
    otls_key *key;
    for (int i = 0; i < 16; i++) {
        CHECK(otls_key_load(NULL, 0, NULL, 0, &key, &error) != OTLS_OK);
    }
    return 0;
}
