/* The C of README.md: a customer who shows a certificate, trusts one authority, and is sent an OTP.
 *
 *     cc -std=c99 readme.c drive.c $(pkg-config --cflags --libs otls) -o readme
 *     ./readme PORT CA.pem CERTIFICATE.pem KEY.pem
 */
#define _POSIX_C_SOURCE 200809L
#include "drive.h" /* and otls.h */

#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

struct file {
    uint8_t data[16384];
    size_t len;
};

/* A connection to the bank; NULL, and why in *error. Nothing is sent yet: there is no socket here. */
static otls_connection *connection_to(const char *bank, const struct file *ca, const struct file *certificate,
                                      const struct file *key, otls_error **error)
{
    otls_certificate *authority = NULL;
    otls_trust_store *trust = NULL;
    otls_key *private_key = NULL;
    otls_identity *identity = NULL;
    otls_client_config *config = NULL;
    otls_connection *tls = NULL;

    /* Each returns OTLS_OK, which is 0, or the stable number of an error. */
    (void)(otls_certificate_load(ca->data, ca->len, &authority, error) ||
           otls_trust_store_new(&trust, error) || otls_trust_store_add(trust, authority, error) ||
           otls_key_load(key->data, key->len, NULL, 0, &private_key, error) ||
           otls_identity_new(certificate->data, certificate->len, private_key, &identity, error) ||
           otls_client_config_new(trust, NULL, &config, error) || otls_client_config_add_identity(config, identity, error) ||
           otls_connection_client(config, bank, NULL, (uint64_t)time(NULL), &tls, error));

    otls_client_config_free(config); /* Handles are the caller's; NULL may be freed. */
    otls_identity_free(identity);
    otls_key_free(private_key);
    otls_trust_store_free(trust);
    otls_certificate_free(authority);
    return tls;
}

/* README.md: from here */
/* The bank's message. The driver carries bytes between socket and connection, handshake included. */
static otls_otp_message *receive(struct drive *bank, otls_otp_channel *channel, struct drive_error *why,
                                 otls_error **error)
{
    otls_otp_message *message = NULL;

    while (message == NULL && drive_data(bank, why) > 0 && /* until there is data: 0 is the bank's clean end */
           otls_otp_channel_receive(channel, drive_connection(bank), (uint64_t)time(NULL), &message, error) == OTLS_OK)
        continue;
    drive_close(bank); /* says close_notify, or the alert that tells the bank why not */
    return message;
}
/* README.md: to here */

static int load(const char *path, struct file *file)
{
    FILE *stream = fopen(path, "rb");
    if (stream == NULL) {
        perror(path);
        return 0;
    }
    file->len = fread(file->data, 1, sizeof file->data, stream);
    return fclose(stream) == 0;
}

static int connected(const char *port)
{
    struct sockaddr_in address;
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    memset(&address, 0, sizeof address);
    address.sin_family = AF_INET;
    address.sin_port = htons((uint16_t)atoi(port));
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    if (fd < 0 || connect(fd, (const struct sockaddr *)&address, sizeof address) != 0) {
        perror("connect");
        return -1;
    }
    return fd;
}

int main(int argc, char **argv)
{
    static struct file ca, certificate, key;
    static const struct drive_limits limits = { .handshake = 30000, .read = 30000 };
    struct drive_error why = { .text = "" };
    otls_error *error = NULL;
    otls_otp_channel *channel = NULL;
    otls_otp_message *message = NULL;
    struct drive *bank = NULL;
    otls_connection *tls;
    const uint8_t *text;
    size_t len;
    int fd, status = EXIT_FAILURE;

    if (argc != 5 || !load(argv[2], &ca) || !load(argv[3], &certificate) || !load(argv[4], &key)) {
        fprintf(stderr, "usage: readme PORT CA.pem CERTIFICATE.pem KEY.pem\n");
        return EXIT_FAILURE;
    }
    tls = connection_to("localhost", &ca, &certificate, &key, &error);
    fd = tls == NULL ? -1 : connected(argv[1]);
    if (fd >= 0)
        bank = drive_new(fd, tls, &limits, &why); /* both are its own now */
    else
        otls_connection_free(tls);
    if (bank != NULL && otls_otp_channel_new(&channel, &error) == OTLS_OK)
        message = receive(bank, channel, &why, &error);
    text = otls_otp_message_text(message, &len);
    if (text != NULL && fwrite(text, 1, len, stdout) == len && putchar('\n') != EOF)
        status = EXIT_SUCCESS;
    if (status != EXIT_SUCCESS)
        fprintf(stderr, "readme: no message: %s\n", error != NULL ? otls_error_message(error) : why.text);

    otls_error_free(error);
    otls_otp_message_free(message);
    otls_otp_channel_free(channel);
    return status;
}
