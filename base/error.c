/* Names for leat_err, and the version of the library. */
#include <leat/base.h>

static const char *const err_strings[] = {
    [-LEAT_OK] = "no error",
    [-LEAT_ERR_NOMEM] = "out of memory",
    [-LEAT_ERR_RANDOM] = "the random source failed",
    [-LEAT_ERR_INVALID] = "an argument is out of range",
    [-LEAT_ERR_STATE] = "not possible in this state",
    [-LEAT_ERR_NO_STREAM] = "no such stream, or it is finished",
    [-LEAT_ERR_DIRECTION] = "the stream does not go in this direction",
    [-LEAT_ERR_STREAM_LIMIT] = "the stream limit of the peer is reached",
    [-LEAT_ERR_FULL] = "a bounded queue is full",
    [-LEAT_ERR_TOO_LARGE] = "longer than the peer or the path accepts",
    [-LEAT_ERR_NOT_SUPPORTED] = "the peer did not offer this extension",
    [-LEAT_ERR_CRYPTO] = "a cryptographic primitive failed or its limit is reached",
    [-LEAT_ERR_CERTIFICATE] = "a certificate, key or chain cannot be used",
    [-LEAT_ERR_IO] = "a system call failed",
    [-LEAT_ERR_TIMEOUT] = "a deadline passed",
    [-LEAT_ERR_REFUSED] = "the peer or the configuration refuses this",
};

const char *leat_err_string(int err) {
    const int count = (int)(sizeof err_strings / sizeof err_strings[0]);
    if (err > 0) {
        return err_strings[0]; /* a count is a success */
    }
    return err > -count ? err_strings[-err] : "unknown error";
}

const char *leat_version(void) { return LEAT_VERSION_STRING; }
