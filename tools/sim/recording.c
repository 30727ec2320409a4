/* `leat sim --qlog --pcap --keylog`: see recording.h. The capture stands at both senders: what the
 * link loses is in it. */
#include "recording.h"

#include <errno.h>
#include <string.h>

#include "../key_log.h"
#include "../pcap_file.h"

static void on_datagram(void *user, sim_side from, const uint8_t *bytes, size_t length,
                        const leat_path *path, leat_time now) {
    (void)from;
    pcap_file_write(user, bytes, length, path, now);
}

static bool open_pcap(const option_table *table, const char *path, recording *r,
                      sim_config *config) {
    if (path == NULL) {
        return true;
    }
    r->pcap = pcap_file_open(path);
    if (r->pcap == NULL) {
        options_complain(table, "cannot write --pcap %s: %s", path, strerror(errno));
        return false;
    }
    config->on_datagram = on_datagram;
    config->on_datagram_user = r->pcap;
    return true;
}

bool recording_open(const option_table *table, recording *r, const char *qlog, const char *pcap,
                    const char *key_log, sim_config *config) {
    bool is_open = open_pcap(table, pcap, r, config) &&
                   /* Both sides have the same secrets: the client's are enough. */
                   key_log_open(table, key_log, &r->key_log, &config->quic[SIM_CLIENT]);
    for (sim_side side = SIM_CLIENT; side < SIM_SIDES && is_open; side++) {
        leat_config quic = config->quic[side];
        is_open = qlog_files_open(table, qlog, &r->qlog[side], &quic);
        config->trace[side] = quic.trace;
    }
    return is_open;
}

bool recording_close(recording *r) {
    qlog_files_close(r->qlog[SIM_CLIENT]);
    qlog_files_close(r->qlog[SIM_SERVER]);
    key_log_close(r->key_log);
    return r->pcap == NULL || fclose(r->pcap) == 0;
}
