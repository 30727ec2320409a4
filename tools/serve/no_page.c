/* Built instead of page.c where libmicrohttpd is missing: says how to get the page. */
#include "serve.h"

serve_page *page_open(serve_app *serve, const char *host_port, char message[LEAT_MESSAGE_MAX]) {
    (void)serve;
    snprintf(message, LEAT_MESSAGE_MAX,
        "--page %.60s: this leat was built without libmicrohttpd; install libmicrohttpd-dev and "
        "build it again",
        host_port);
    return NULL;
}

bool page_watch(serve_page *page, leat_server *server) {
    (void)page, (void)server;
    return false;
}

const char *page_url(const serve_page *page) {
    (void)page;
    return "";
}

void page_close(serve_page *page) {
    (void)page;
}
