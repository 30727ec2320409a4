/* The life of a transfer: from a URL and its -o to success or one sentence about what failed. */
#include "get.h"

#include <errno.h>
#include <stdarg.h>
#include <sys/stat.h>

/* ---- making ---- */

static int open_upload(get_transfer *transfer) {
    const char *data = transfer->app->settings.data;
    if (data[0] != '@') {
        /* An empty -d is a POST without bytes. */
        transfer->upload_length = strlen(data);
        transfer->upload = data[0] == '\0' ? fopen("/dev/null", "rb")
                                           : fmemopen((void *)(uintptr_t)data, strlen(data), "rb");
    } else {
        struct stat status;
        transfer->upload =
            strcmp(data, "@-") == 0 ? fopen("/dev/stdin", "rb") : fopen(data + 1, "rb");
        bool is_file = transfer->upload != NULL && fstat(fileno(transfer->upload), &status) == 0 &&
                       S_ISREG(status.st_mode);
        transfer->upload_length = is_file ? (uint64_t)status.st_size : UINT64_MAX;
    }
    if (transfer->upload == NULL) {
        options_complain(transfer->app->table, "cannot read -d %.200s: %s", data, strerror(errno));
        return 1;
    }
    return 0;
}

static int choose_output(get_transfer *transfer, size_t index) {
    const option_list *paths = &transfer->app->settings.output;
    char name[URL_TARGET_MAX];
    const char *path = index < paths->count ? paths->values[index] : NULL;
    if (path == NULL && transfer->app->settings.remote_name) {
        url_file_name(&transfer->url, name);
        path = name;
        if (name[0] == '\0') {
            return options_complain(transfer->app->table,
                "-O: %s does not end in a file name; give one with -o", transfer->text);
        }
    }
    output_init(&transfer->output, path);
    return 0;
}

int transfer_init(get_transfer *transfer, get_app *app, size_t index) {
    const char *problem;
    transfer->app = app;
    transfer->text = app->settings.urls.values[index];
    transfer->state = GET_UNASSIGNED;
    transfer->started = leat_clock_now();
    transfer->connected = transfer->first_byte = transfer->ended = LEAT_TIME_NEVER;
    leat_list_init(&transfer->node);
    if (!url_parse(transfer->text, &transfer->url, &problem)) {
        return options_complain(app->table, "'%s' cannot be fetched: %s", transfer->text, problem);
    }
    transfer->method = app->settings.method != NULL ? app->settings.method
                       : app->settings.head         ? "HEAD"
                       : app->settings.data != NULL ? "POST"
                                                    : "GET";
    int status = app->settings.data != NULL ? open_upload(transfer) : 0;
    return status != 0 ? status : choose_output(transfer, index);
}

void transfer_clear(get_transfer *transfer) {
    if (transfer->upload != NULL) {
        fclose(transfer->upload);
    }
    output_close(&transfer->output);
    if (transfer->output.spool != NULL) {
        fclose(transfer->output.spool);
    }
    leat_buffer_clear(&transfer->output.memory);
    leat_free(NULL, transfer->output.path);
}

/* ---- ending ---- */

void transfer_leave(get_transfer *transfer) {
    leat_list_remove(&transfer->node);
    transfer->origin = NULL;
}

static void end(get_transfer *transfer, get_state state) {
    transfer_leave(transfer);
    transfer->ended = leat_clock_now();
    transfer->state = state;
}

void transfer_fail(get_transfer *transfer, const char *format, ...) {
    va_list arguments;
    if (transfer_has_ended(transfer)) {
        return;
    }
    va_start(arguments, format);
    vsnprintf(transfer->failure, sizeof transfer->failure, format, arguments);
    va_end(arguments);
    end(transfer, GET_FAILED);
    output_close(&transfer->output);
}

void transfer_succeed(get_transfer *transfer) {
    if (!output_open(&transfer->output) || !output_close(&transfer->output)) {
        transfer_fail(transfer, "cannot write %.200s: %s", transfer->output.path, strerror(errno));
    } else if (!transfer_has_ended(transfer)) {
        end(transfer, GET_DONE);
    }
}

/* ---- once more ---- */

static void begin_again(get_transfer *transfer) {
    transfer_leave(transfer);
    transfer->state = GET_UNASSIGNED;
    transfer->status = 0;
    transfer->has_response = transfer->has_length = transfer->is_discarded = transfer->is_redirect =
        false;
    transfer->length = transfer->received = transfer->sent = 0;
}

void transfer_retry(get_transfer *transfer, const char *reason) {
    if (transfer->was_retried || transfer->has_response || !request_rewind(transfer)) {
        transfer_fail(transfer, "the request was not processed: %s; try again later", reason);
        return;
    }
    transfer->was_retried = true;
    transfer->origin->is_leaving = true;
    begin_again(transfer);
}

/* RFC 9110 §15.4: 303 asks for a GET; 301 and 302 turn a POST into one, as everybody does. */
static void change_method(get_transfer *transfer) {
    bool is_head = strcmp(transfer->method, "HEAD") == 0;
    bool is_changed = transfer->status == 303
                          ? !is_head
                          : transfer->status < 303 && strcmp(transfer->method, "POST") == 0;
    if (is_changed) {
        transfer->method = "GET";
        if (transfer->upload != NULL) {
            fclose(transfer->upload);
            transfer->upload = NULL;
        }
    }
}

void transfer_follow(get_transfer *transfer) {
    tool_url *next = leat_alloc(NULL, sizeof *next);
    const char *problem = "out of memory";
    if (transfer->redirects == GET_REDIRECTS_MAX) {
        transfer_fail(transfer, "more than %d redirects; the last to %.300s", GET_REDIRECTS_MAX,
            transfer->location);
    } else if (next == NULL || !url_resolve(&transfer->url, transfer->location, next, &problem)) {
        transfer_fail(transfer, "the server redirects to %.300s, which cannot be fetched: %s",
            transfer->location, problem);
    } else {
        get_say(transfer->app, "* redirected to https://%s%s", next->authority, next->target);
        change_method(transfer);
        transfer->redirects++;
        transfer->url = *next;
        if (transfer->upload != NULL && !request_rewind(transfer)) {
            transfer_fail(transfer, "the server redirects, and the body cannot be read a second "
                                    "time; give it as a file");
        } else {
            begin_again(transfer);
        }
    }
    leat_free(NULL, next);
}
