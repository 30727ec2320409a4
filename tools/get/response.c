/* The response half of a transfer: status and fields, the body to its output, and whether it was
 * complete. */
#include "get.h"

#include "../parse.h"

#include <errno.h>
#include <inttypes.h>

static void copy_text(char *text, size_t room, leat_span span) {
    size_t length = span.length < room ? span.length : room - 1;
    memcpy(
        text, span.data == NULL ? (const uint8_t *)"" : span.data, span.data == NULL ? 0 : length);
    text[span.data == NULL ? 0 : length] = '\0';
}

static void give_up(get_transfer *transfer) {
    leat_h3_cancel(
        leat_client_h3(transfer->origin->client), transfer->stream_id, LEAT_H3_REQUEST_CANCELLED);
    transfer_fail(transfer, "cannot write %.200s: %s",
        transfer->output.path == NULL ? "to stdout" : transfer->output.path, strerror(errno));
}

static bool write_text(get_transfer *transfer, leat_span text) {
    return output_write(&transfer->output, text);
}

/* -i and -I: as they would look in HTTP/1.1, so that what reads curl's output reads this. */
static bool print_fields(get_transfer *transfer, const leat_h3_header *headers, size_t count) {
    char line[32];
    int length = snprintf(line, sizeof line, "HTTP/3 %u \r\n", transfer->status);
    bool is_good = write_text(transfer, (leat_span){(const uint8_t *)line, (size_t)length});
    for (size_t i = 0; i < count; i++) {
        if (headers[i].name.data[0] != ':') {
            is_good = is_good && write_text(transfer, headers[i].name) &&
                      write_text(transfer, leat_span_of(": ")) &&
                      write_text(transfer, headers[i].value) &&
                      write_text(transfer, leat_span_of("\r\n"));
        }
    }
    return is_good && write_text(transfer, leat_span_of("\r\n"));
}

static void say_fields(const get_app *app, const leat_h3_header *headers, size_t count) {
    for (size_t i = 0; i < count; i++) {
        get_say(app, "< %.*s: %.*s", (int)headers[i].name.length,
            (const char *)headers[i].name.data, (int)headers[i].value.length,
            (const char *)headers[i].value.data);
    }
}

static bool is_redirect(unsigned status) {
    return (status >= 301 && status <= 303) || status == 307 || status == 308;
}

static void on_headers(get_transfer *transfer, const leat_h3_event *event) {
    const get_app *app = transfer->app;
    const leat_h3_header *headers = event->headers_received.headers;
    size_t count = event->headers_received.count;
    uint64_t status = 0;
    say_fields(app, headers, count);
    if (event->headers_received.is_informational || event->headers_received.is_trailers) {
        return;
    }
    (void)parse_decimal(leat_h3_find_header(headers, count, ":status"), &status);
    transfer->status = (unsigned)status;
    transfer->has_response = true;
    transfer->first_byte = leat_clock_now();
    transfer->has_length =
        parse_decimal(leat_h3_find_header(headers, count, "content-length"), &transfer->length);
    for (size_t i = 0; i < count; i++) {
        transfer->header_bytes += headers[i].name.length + headers[i].value.length + 4;
    }
    copy_text(transfer->content_type, sizeof transfer->content_type,
        leat_h3_find_header(headers, count, "content-type"));
    copy_text(transfer->location, sizeof transfer->location,
        leat_h3_find_header(headers, count, "location"));
    transfer->is_redirect =
        app->settings.follow && is_redirect(transfer->status) && transfer->location[0] != '\0';
    transfer->is_discarded =
        transfer->is_redirect || (app->settings.fail && transfer->status >= 400);
    bool is_shown = app->settings.include || app->settings.head;
    bool is_good = transfer->is_discarded || output_open(&transfer->output);
    if (!is_good || (is_shown && !print_fields(transfer, headers, count))) {
        give_up(transfer);
    }
}

static void on_data(get_transfer *transfer, leat_span data) {
    transfer->received += data.length;
    if (!transfer->is_discarded && data.length > 0 && !output_write(&transfer->output, data)) {
        give_up(transfer);
    }
}

/* Whether the response has a body of content-length bytes (RFC 9110 §8.6). */
static bool has_body(const get_transfer *transfer) {
    return strcmp(transfer->method, "HEAD") != 0 && transfer->status != 204 &&
           transfer->status != 304;
}

static void fail_incomplete(get_transfer *transfer) {
    transfer_fail(transfer, "the body is incomplete: %" PRIu64 " of %" PRIu64 " bytes came",
        transfer->received, transfer->length);
}

/* RFC 9114 §4.1: after an early answer what is left of the request is not wanted. */
static void stop_upload(get_transfer *transfer) {
    bool was_all = transfer->upload_ended && transfer->chunk_used == transfer->chunk_length;
    if (transfer->upload != NULL && !was_all) {
        leat_h3_cancel(leat_client_h3(transfer->origin->client), transfer->stream_id,
            LEAT_H3_REQUEST_CANCELLED);
    }
}

static void on_end(get_transfer *transfer) {
    bool is_short =
        transfer->has_length && has_body(transfer) && transfer->received != transfer->length;
    if (!transfer->has_response) {
        transfer_fail(transfer, "the server ended the request without an answer");
        return;
    }
    if (is_short) {
        fail_incomplete(transfer);
        return;
    }
    stop_upload(transfer);
    if (transfer->is_redirect) {
        transfer_follow(transfer);
    } else if (transfer->app->settings.fail && transfer->status >= 400) {
        transfer_fail(transfer, "the server answered with status %u", transfer->status);
    } else {
        transfer_succeed(transfer);
    }
}

/* RFC 9114 §4.1.2: a body that is shorter than its content-length is malformed, which for us is
 * incomplete. */
static void on_malformed(get_transfer *transfer, const char *message) {
    if (transfer->has_length && transfer->received < transfer->length) {
        fail_incomplete(transfer);
    } else {
        transfer_fail(transfer, "the server's answer is malformed: %s", message);
    }
}

static void on_reset(get_transfer *transfer, uint64_t error_code) {
    /* RFC 9114 §8.1: a rejected request was not processed and may be sent again. */
    if (error_code == LEAT_H3_REQUEST_REJECTED) {
        transfer_retry(transfer, "the server rejected it (H3_REQUEST_REJECTED)");
        return;
    }
    char expected[32] = "";
    if (transfer->has_length) {
        snprintf(expected, sizeof expected, " of %" PRIu64, transfer->length);
    }
    transfer_fail(transfer, "the server broke off after %" PRIu64 "%s bytes: %s (0x%" PRIx64 ")",
        transfer->received, expected, leat_h3_error_name(error_code), error_code);
}

void response_on_event(get_transfer *transfer, const leat_h3_event *event) {
    bool is_end = false;
    switch (event->type) {
    case LEAT_H3_EVENT_HEADERS_RECEIVED:
        on_headers(transfer, event);
        is_end = event->headers_received.stream_ended;
        break;
    case LEAT_H3_EVENT_DATA_RECEIVED:
        on_data(transfer, event->data_received.data);
        is_end = event->data_received.stream_ended;
        break;
    case LEAT_H3_EVENT_STREAM_RESET:
        on_reset(transfer, event->stream_reset.error_code);
        break;
    case LEAT_H3_EVENT_STREAM_WRITABLE:
        request_pump(transfer);
        break;
    case LEAT_H3_EVENT_REQUEST_REFUSED_MALFORMED:
        on_malformed(transfer, event->malformed.message);
        break;
    default:
        break;
    }
    if (is_end && !transfer_has_ended(transfer)) {
        on_end(transfer);
    }
}
