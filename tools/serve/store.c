/* Clicks by user in SQLite: in a file that survives restarts, or in memory. */
#include "serve.h"

#include <sqlite3.h>
#include <stdio.h>

struct serve_store {
    sqlite3 *database;
    sqlite3_stmt *increment;
    pthread_mutex_t mutex; /* workers share the statement */
};

static const char schema[] =
    "PRAGMA journal_mode = WAL;"
    "PRAGMA synchronous = NORMAL;"
    "CREATE TABLE IF NOT EXISTS clicks (user TEXT PRIMARY KEY, count INTEGER NOT NULL) WITHOUT ROWID;";
static const char increment[] =
    "INSERT INTO clicks VALUES (?1, 1) ON CONFLICT (user) DO UPDATE SET count = count + 1 RETURNING count;";

serve_store *store_open(const char *file, char message[LEAT_MESSAGE_MAX]) {
    serve_store *opened = leat_alloc(NULL, sizeof *opened);
    if (opened == NULL) {
        snprintf(message, LEAT_MESSAGE_MAX, "out of memory");
        return NULL;
    }
    pthread_mutex_init(&opened->mutex, NULL);
    if (sqlite3_open(file == NULL ? ":memory:" : file, &opened->database) != SQLITE_OK ||
        sqlite3_exec(opened->database, schema, NULL, NULL, NULL) != SQLITE_OK ||
        sqlite3_prepare_v2(opened->database, increment, -1, &opened->increment, NULL) !=
            SQLITE_OK) {
        snprintf(message, LEAT_MESSAGE_MAX, "cannot use %s as store: %s",
            file == NULL ? "memory" : file, sqlite3_errmsg(opened->database));
        store_close(opened);
        return NULL;
    }
    sqlite3_busy_timeout(opened->database, 1000);
    return opened;
}

uint64_t store_increment(serve_store *store, leat_span user) {
    uint64_t count = 0;
    pthread_mutex_lock(&store->mutex);
    sqlite3_bind_text(
        store->increment, 1, (const char *)user.data, (int)user.length, SQLITE_STATIC);
    if (sqlite3_step(store->increment) == SQLITE_ROW) {
        count = (uint64_t)sqlite3_column_int64(store->increment, 0);
    } else {
        fprintf(stderr, "leat serve: the store did not count a click: %s\n",
            sqlite3_errmsg(store->database));
    }
    sqlite3_reset(store->increment);
    pthread_mutex_unlock(&store->mutex);
    return count;
}

void store_close(serve_store *store) {
    if (store != NULL) {
        sqlite3_finalize(store->increment);
        sqlite3_close(store->database);
        pthread_mutex_destroy(&store->mutex);
        leat_free(NULL, store);
    }
}
