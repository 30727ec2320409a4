/*
 * The demo page over HTTP/1.1: a few embedded files, the hash of the certificate in use and the
 * address of the server. libmicrohttpd does HTTP; its descriptor is watched by the loop of the QUIC
 * server, so there is no second thread.
 */
#include "serve.h"

#include <arpa/inet.h>
#include <microhttpd.h>
#include <netinet/in.h>
#include <stdio.h>
#include <sys/socket.h>

#include "page_files.h"

#define ADDRESSES_MAX 4

struct serve_page {
    serve_app *serve;
    struct MHD_Daemon *daemons[ADDRESSES_MAX];
    size_t count;
    char url[300];
};

static enum MHD_Result answer(struct MHD_Connection *connection, const void *data, size_t length,
    const char *type, unsigned status) {
    struct MHD_Response *response =
        MHD_create_response_from_buffer(length, (void *)(uintptr_t)data, MHD_RESPMEM_MUST_COPY);
    if (response == NULL) {
        return MHD_NO;
    }
    MHD_add_response_header(response, "content-type", type);
    MHD_add_response_header(response, "cache-control", "no-store");
    enum MHD_Result result = MHD_queue_response(connection, status, response);
    MHD_destroy_response(response);
    return result;
}

static enum MHD_Result answer_text(
    struct MHD_Connection *connection, const char *text, unsigned status) {
    return answer(connection, text, strlen(text), "text/plain; charset=utf-8", status);
}

static enum MHD_Result answer_server_url(serve_page *page, struct MHD_Connection *connection) {
    char text[64];
    const leat_address *address = leat_server_address(serve_first(page->serve), 0);
    snprintf(text, sizeof text, "https://localhost:%u/clicker", address->port);
    return answer_text(connection, text, MHD_HTTP_OK);
}

static enum MHD_Result on_request(void *user, struct MHD_Connection *connection, const char *url,
    const char *method, const char *version, const char *body, size_t *body_length, void **state) {
    serve_page *page = user;
    (void)version, (void)body, (void)body_length, (void)state;
    if (strcmp(method, "GET") != 0 && strcmp(method, "HEAD") != 0) {
        return answer_text(connection, "only GET\n", MHD_HTTP_METHOD_NOT_ALLOWED);
    }
    if (strcmp(url, "/certificate-hash") == 0) {
        /* A certificate given by --cert is verified by its chain: no hash then. */
        bool is_own = certificates_are_own(page->serve->certificates);
        return answer_text(
            connection, is_own ? certificates_hash(page->serve->certificates) : "", MHD_HTTP_OK);
    }
    if (strcmp(url, "/server-url") == 0) {
        return answer_server_url(page, connection);
    }
    for (size_t i = 0; i < page_file_count; i++) {
        const char *name = strcmp(url, "/") == 0 ? "index.html" : url + 1;
        if (strcmp(page_files[i].name, name) == 0) {
            return answer(connection, page_files[i].data, page_files[i].length, page_files[i].type,
                MHD_HTTP_OK);
        }
    }
    return answer_text(connection, "not found\n", MHD_HTTP_NOT_FOUND);
}

static struct MHD_Daemon *listen_on(serve_page *page, const leat_address *address) {
    struct sockaddr_in ipv4 = {.sin_family = AF_INET, .sin_port = htons(address->port)};
    struct sockaddr_in6 ipv6 = {.sin6_family = AF_INET6, .sin6_port = htons(address->port)};
    memcpy(&ipv4.sin_addr, address->ip, 4);
    memcpy(&ipv6.sin6_addr, address->ip, 16);
    bool is_ipv6 = address->family == LEAT_ADDRESS_IPV6;
    const void *place = is_ipv6 ? (const void *)&ipv6 : (const void *)&ipv4;
    return MHD_start_daemon((is_ipv6 ? MHD_USE_IPv6 : 0u) | MHD_USE_EPOLL, address->port, NULL,
        NULL, on_request, page, MHD_OPTION_SOCK_ADDR, place, MHD_OPTION_CONNECTION_TIMEOUT, 30u,
        MHD_OPTION_CONNECTION_LIMIT, 64u, MHD_OPTION_END);
}

serve_page *page_open(serve_app *serve, const char *host_port, char message[LEAT_MESSAGE_MAX]) {
    leat_address addresses[ADDRESSES_MAX];
    int found = leat_address_resolve(host_port, addresses, ADDRESSES_MAX, message);
    serve_page *opened = found <= 0 ? NULL : leat_alloc(NULL, sizeof *opened);
    if (opened == NULL) {
        return NULL;
    }
    opened->serve = serve;
    snprintf(opened->url, sizeof opened->url, "http://%.256s", host_port);
    for (int i = 0; i < found; i++) {
        struct MHD_Daemon *daemon = listen_on(opened, &addresses[i]);
        if (daemon != NULL) {
            opened->daemons[opened->count++] = daemon;
        }
    }
    /* One of several addresses is enough: a machine may have no IPv6. */
    if (opened->count == 0) {
        snprintf(message, LEAT_MESSAGE_MAX,
            "cannot serve the page on %.120s: the port is in use or not allowed; choose another with --page",
            host_port);
        page_close(opened);
        return NULL;
    }
    return opened;
}

static void on_readable(void *user, int fd) {
    (void)fd;
    MHD_run(user);
}

bool page_watch(serve_page *page, leat_server *server) {
    for (size_t i = 0; i < page->count; i++) {
        const union MHD_DaemonInfo *info =
            MHD_get_daemon_info(page->daemons[i], MHD_DAEMON_INFO_EPOLL_FD);
        if (info == NULL ||
            leat_server_watch_fd(server, info->epoll_fd, on_readable, page->daemons[i]) != 0) {
            return false;
        }
    }
    return true;
}

const char *page_url(const serve_page *page) {
    return page->url;
}

void page_close(serve_page *page) {
    if (page != NULL) {
        for (size_t i = 0; i < page->count; i++) {
            MHD_stop_daemon(page->daemons[i]);
        }
        leat_free(NULL, page);
    }
}
