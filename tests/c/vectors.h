/* Files of keys, most of them with a fault. */
#ifndef OTLS_TESTS_VECTORS_H
#define OTLS_TESTS_VECTORS_H

#include "check.h"

static uint8_t buffer[1 << 16];

/* A file of the test vectors, in `buffer`. */
static inline size_t read_vector(const char *name) {
    char path[1024];
    FILE *file;
    size_t len;
    snprintf(path, sizeof path, "%s/keys/%s", OTLS_TEST_VECTORS, name);
    file = fopen(path, "rb");
    CHECK(file != NULL);
    len = fread(buffer, 1, sizeof buffer, file);
    CHECK(len > 0 && feof(file));
    fclose(file);
    return len;
}

#endif
