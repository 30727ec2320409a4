/*
 * `leat decode`: the fields of packets, frames and messages in datagrams that are given as hex or
 * as a capture, each with the section that defines it. RFC 9000, RFC 9001, RFC 8446, RFC 9114.
 */
#include "base/alloc.h"
#include "commands.h"
#include "crypto/secret.h"
#include "decode.h"
#include "file.h"
#include "options.h"

#include <ctype.h>
#include <errno.h>

typedef struct settings {
    const char *keylog, *dcid, *secret, *cipher_suite;
    uint64_t cid_length, largest, data;
    bool is_hex, json;
    option_list inputs;
} settings;

#define AT(member) offsetof(settings, member)
static const option_row rows[] = {
    {"--keylog", OPTION_TEXT, AT(keylog), "FILE", "secrets, as SSLKEYLOGFILE and --keylog of other commands write them"},
    {"--hex", OPTION_FLAG, AT(is_hex), NULL, "the files are hex, whatever they begin with"},
    {"--data", OPTION_NUMBER, AT(data), "N", "bytes of content to show (32; at most 4096)"},
    {"--json", OPTION_FLAG, AT(json), NULL, "one JSON object per line"},
    {"--cid-length", OPTION_NUMBER, AT(cid_length), "N", "the length of the connection ID in short headers that stand alone"},
    {"--dcid", OPTION_TEXT, AT(dcid), "HEX", "the client's first destination connection ID, for Initial packets that stand alone"},
    {"--secret", OPTION_TEXT, AT(secret), "HEX", "the traffic secret of 1-RTT packets, instead of a key log"},
    {"--cipher-suite", OPTION_TEXT, AT(cipher_suite), "NAME", "with --secret: aes128, aes256 or chacha20"},
    {"--largest", OPTION_NUMBER, AT(largest), "N", "the largest packet number before the first packet given"},
};

static const option_table table = {
    .usage = "leat decode [OPTION]... FILE|HEX|-...",
    .summary = "Shows every field of the QUIC packets in pcap files or hex, with the section that defines it.\n"
               "In hex, an empty line ends a datagram.",
    .rows = rows,
    .count = sizeof rows / sizeof rows[0],
    .positional = AT(inputs),
    .takes_positional = true,
};

static const struct {
    const char *name;
    uint16_t id;
} suites[] = {{"aes128", 0x1301}, {"aes256", 0x1302}, {"chacha20", 0x1303}};

/* ---- what the options say ----------------------------------------------------------- */

typedef struct decode_inputs {
    decode_state decoder;
    uint8_t *key_log;
    leat_buffer dcid, secret;
} decode_inputs;

static int set_hex(const char *name, const char *text, leat_buffer *bytes, leat_span *span) {
    if (text == NULL) {
        return 0;
    }
    if (!decode_hex_digits(text, bytes) || bytes->length == 0) {
        return options_complain(&table, "%s wants hex, not '%s'", name, text);
    }
    *span = (leat_span){bytes->data, bytes->length};
    return 0;
}

static int set_secret(const settings *given, decode_inputs *inputs) {
    decode_state *decoder = &inputs->decoder;
    const char *name = given->cipher_suite == NULL ? "aes128" : given->cipher_suite;
    int result = set_hex("--secret", given->secret, &inputs->secret, &decoder->secret);
    if (result != 0 || given->secret == NULL) {
        return result;
    }
    for (size_t i = 0; i < sizeof suites / sizeof suites[0]; i++) {
        if (strcmp(suites[i].name, name) == 0) {
            decoder->suite = leat_cipher_suite_find(suites[i].id);
        }
    }
    if (decoder->suite == NULL) {
        return options_complain(&table, "--cipher-suite does not know '%s'", name);
    }
    if (decoder->secret.length != leat_hash_size(decoder->suite->hash)) {
        return options_complain(&table, "a --secret for %s has %zu bytes", name,
                                leat_hash_size(decoder->suite->hash));
    }
    return 0;
}

static int set_key_log(const settings *given, decode_inputs *inputs) {
    char message[LEAT_MESSAGE_MAX];
    size_t length = 0;
    if (given->keylog == NULL) {
        return 0;
    }
    inputs->key_log = file_read(given->keylog, &length, message);
    if (inputs->key_log == NULL) {
        options_complain(&table, "--keylog: %s", message);
        return 1;
    }
    inputs->decoder.key_log = (leat_span){inputs->key_log, length};
    return 0;
}

static int set_up(const settings *given, decode_inputs *inputs) {
    decode_state *decoder = &inputs->decoder;
    decoder->out = (output){.file = stdout, .is_json = given->json, .data_shown = given->data};
    decoder->short_cid_length = (size_t)given->cid_length;
    decoder->largest = given->largest;
    leat_buffer_init(&inputs->dcid, NULL, LEAT_CID_MAX);
    leat_buffer_init(&inputs->secret, NULL, LEAT_HASH_MAX);
    if (given->cid_length > LEAT_CID_MAX) {
        return options_complain(&table, "--cid-length is at most %d", LEAT_CID_MAX);
    }
    if (given->inputs.count == 0) {
        return options_complain(&table, "what to decode? A pcap file, hex, or - for stdin");
    }
    int result = set_hex("--dcid", given->dcid, &inputs->dcid, &decoder->original_dcid);
    result = result == 0 ? set_secret(given, inputs) : result;
    return result == 0 ? set_key_log(given, inputs) : result;
}

/* ---- inputs ------------------------------------------------------------------------- */

/* A file of hex begins with a digit; the magic numbers of captures are no text. */
static int decode_file(decode_state *decoder, FILE *file, const char *name, bool is_hex) {
    int first = fgetc(file);
    if (first == EOF) {
        fprintf(stderr, "leat decode: %s: %s\n", name,
                ferror(file) ? strerror(errno) : "the file is empty");
        fclose(file);
        return 1;
    }
    ungetc(first, file);
    if (!is_hex && !isxdigit(first) && first != ' ') {
        return decode_capture(decoder, file, name);
    }
    int status = decode_hex(decoder, file, name);
    fclose(file);
    return status;
}

static int decode_argument(decode_state *decoder, const char *text) {
    const leat_path nowhere = {.local = {.family = LEAT_ADDRESS_NONE}};
    leat_buffer bytes;
    int status = 0;
    leat_buffer_init(&bytes, decoder->allocator, 65535);
    if (!decode_hex_digits(text, &bytes) || bytes.length == 0) {
        status = options_complain(&table, "'%.60s' is neither a file nor hex", text);
    } else {
        decode_datagram(decoder, &nowhere, bytes.data, bytes.length);
    }
    leat_buffer_clear(&bytes);
    return status;
}

static int decode_input(decode_state *decoder, const char *name, bool is_hex) {
    if (strcmp(name, "-") == 0) {
        return decode_file(decoder, stdin, "stdin", is_hex);
    }
    FILE *file = fopen(name, "rb");
    return file == NULL ? decode_argument(decoder, name)
                        : decode_file(decoder, file, name, is_hex);
}

int command_decode(int count, char **arguments) {
    settings given = {.largest = UINT64_MAX, .data = 32};
    decode_inputs inputs = {.key_log = NULL};
    int status = options_parse(&table, count, arguments, &given);
    if (status != 0) {
        return status < 0 ? 0 : status;
    }
    status = set_up(&given, &inputs);
    for (size_t i = 0; status == 0 && i < given.inputs.count; i++) {
        status = decode_input(&inputs.decoder, given.inputs.values[i], given.is_hex);
        fflush(stdout);
    }
    decode_connections_free(&inputs.decoder);
    leat_buffer_clear(&inputs.dcid);
    leat_buffer_clear(&inputs.secret);
    leat_free(NULL, inputs.key_log);
    return status;
}
