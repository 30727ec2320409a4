/*
 * One sink for all connections of a process: records are handed to the log of their connection. A
 * log begins with connection_started, so that datagrams which open no connection open no file
 * either.
 */
#include "qlog_files.h"

#include <leat/qlog.h>

#include "base/alloc.h"
#include "base/map.h"
#include "crypto/random.h"

#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

/* Files open at a time: stops a crowd of clients from using up descriptors and memory. */
#define QLOG_FILES_MAX 256
#define FILE_BUFFER (64 * 1024)
#define PATH_ROOM 4096

typedef struct qlog_file {
    FILE *file;
    leat_qlog *log;
} qlog_file;

struct qlog_files {
    const option_table *table;
    const char *folder;
    bool is_client;
    leat_map open; /* of qlog_file, by original destination connection ID */
    leat_trace_sink sink;
    uint64_t unrecorded, dropped;
    pthread_mutex_t mutex; /* a server's workers share the folder */
};

/* ---- one file ------------------------------------------------------------------------ */

static bool write_record(void *user, const char *bytes, size_t length) {
    qlog_file *one = user;
    bool is_written = fwrite(bytes, 1, length, one->file) == length;
    if (!is_written) {
        clearerr(one->file); /* the next record may find room again */
    }
    return is_written;
}

static void close_one(qlog_files *files, qlog_file *one) {
    if (one->log != NULL) {
        files->dropped += leat_qlog_dropped(one->log);
    }
    leat_qlog_free(one->log);
    if (one->file != NULL && fclose(one->file) != 0) {
        files->dropped++;
    }
    leat_free(NULL, one);
}

static void name_file(const qlog_files *files, leat_span connection, char path[PATH_ROOM]) {
    int length = snprintf(path, PATH_ROOM, "%.*s/", PATH_ROOM - 100, files->folder);
    for (size_t i = 0; i < connection.length && i < LEAT_CID_MAX; i++) {
        length += snprintf(path + length, 3, "%02x", connection.data[i]);
    }
    snprintf(path + length, 20, "_%s.sqlog", files->is_client ? "client" : "server");
}

static leat_qlog *begin_log(const qlog_files *files, qlog_file *one, leat_span connection) {
    char now_text[32] = "";
    time_t now = time(NULL);
    struct tm date;
    leat_qlog_config config;
    leat_qlog_config_init(&config);
    if (gmtime_r(&now, &date) != NULL) {
        strftime(now_text, sizeof now_text, "%Y-%m-%dT%H:%M:%SZ", &date);
        config.wall_clock_time = now_text;
    }
    config.write = write_record;
    config.user = one;
    config.is_client = files->is_client;
    config.name = files->is_client ? "leat client" : "leat server";
    config.group_id = connection;
    return leat_qlog_new(&config);
}

/* A client chooses the name: a file that exists is never written over. */
static qlog_file *open_one(qlog_files *files, leat_span connection) {
    char path[PATH_ROOM];
    qlog_file *one = files->open.count < QLOG_FILES_MAX ? leat_alloc(NULL, sizeof *one) : NULL;
    if (one == NULL) {
        return NULL;
    }
    name_file(files, connection, path);
    one->file = fopen(path, "wbx");
    if (one->file != NULL && setvbuf(one->file, NULL, _IOFBF, FILE_BUFFER) == 0) {
        one->log = begin_log(files, one, connection);
    }
    if (one->log == NULL ||
        leat_map_set(&files->open, connection.data, connection.length, one) != 0) {
        close_one(files, one);
        return NULL;
    }
    return one;
}

/* ---- all of them --------------------------------------------------------------------- */

static bool is_named(const leat_trace_record *record, const char *name) {
    return strcmp(record->category, "quic") == 0 && strcmp(record->name, name) == 0;
}

static bool tells_closed(const leat_trace_record *record) {
    for (size_t i = 0; i < record->field_count; i++) {
        const leat_trace_field *field = &record->fields[i];
        if (strcmp(field->name, "new") == 0 && field->bytes.length == 6) {
            return memcmp(field->bytes.data, "closed", 6) == 0;
        }
    }
    return false;
}

static void keep_record(qlog_files *files, const leat_trace_record *record) {
    leat_span connection = record->connection;
    qlog_file *one = leat_map_get(&files->open, connection.data, connection.length);
    if (one == NULL && is_named(record, "connection_started")) {
        one = open_one(files, connection);
        files->unrecorded += one == NULL;
    }
    if (one == NULL) {
        return;
    }
    const leat_trace_sink sink = leat_qlog_sink(one->log);
    sink.on_record(sink.user, record);
    if (is_named(record, "connection_state_updated") && tells_closed(record)) {
        leat_map_remove(&files->open, connection.data, connection.length);
        close_one(files, one);
    }
}

static void on_record(void *user, const leat_trace_record *record) {
    qlog_files *files = user;
    pthread_mutex_lock(&files->mutex);
    keep_record(files, record);
    pthread_mutex_unlock(&files->mutex);
}

bool qlog_files_open(
    const option_table *table, const char *folder, qlog_files **files, leat_config *quic) {
    const leat_random random = {NULL, NULL};
    uint8_t hash_key[16];
    if (folder == NULL) {
        return true;
    }
    if ((mkdir(folder, 0777) != 0 && errno != EEXIST) || access(folder, W_OK | X_OK) != 0) {
        options_complain(table, "cannot write to --qlog %s: %s", folder, strerror(errno));
        return false;
    }
    qlog_files *made = leat_alloc(NULL, sizeof *made);
    if (made == NULL || !leat_random_bytes(&random, hash_key, sizeof hash_key)) {
        leat_free(NULL, made);
        options_complain(table, "--qlog: out of memory");
        return false;
    }
    pthread_mutex_init(&made->mutex, NULL);
    made->table = table;
    made->folder = folder;
    made->is_client = quic->is_client;
    made->sink = (leat_trace_sink){.on_record = on_record, .user = made};
    leat_map_init(&made->open, NULL, hash_key);
    quic->trace = &made->sink;
    *files = made;
    return true;
}

void qlog_files_close(qlog_files *files) {
    size_t cursor = 0;
    qlog_file *one;
    if (files == NULL) {
        return;
    }
    while ((one = leat_map_next(&files->open, &cursor)) != NULL) {
        close_one(files, one);
    }
    if (files->unrecorded > 0 || files->dropped > 0) {
        options_complain(files->table,
            "--qlog: %llu connections are not there, %llu records are missing",
            (unsigned long long)files->unrecorded, (unsigned long long)files->dropped);
    }
    leat_map_clear(&files->open);
    pthread_mutex_destroy(&files->mutex);
    leat_free(NULL, files);
}
