/* SETTINGS (RFC 9114 §7.2.4): the table of settings, ours written, the peer's remembered. */
#ifndef LEAT_H3_SETTINGS_H
#define LEAT_H3_SETTINGS_H

#include "h3/connection.h"

/* LEAT_H3_SETTINGS_MAX settings in their longest form: a peer cannot make us sort a longer list. */
#define LEAT_H3_SETTINGS_PAYLOAD_MAX (LEAT_H3_SETTINGS_MAX * 16)

enum {
    LEAT_H3_SETTING_QPACK_MAX_TABLE_CAPACITY = 0x01,
    LEAT_H3_SETTING_MAX_FIELD_SECTION_SIZE = 0x06,
    LEAT_H3_SETTING_QPACK_BLOCKED_STREAMS = 0x07,
    LEAT_H3_SETTING_ENABLE_CONNECT_PROTOCOL = 0x08,
    LEAT_H3_SETTING_H3_DATAGRAM = 0x33,
};

/* Appends the SETTINGS frame to the control stream's bytes. 0 or a leat_err. */
int leat_h3_write_settings(leat_h3 *h3);
/* Client with early data: the settings that the server had when it gave the session. False: they
 * cannot be. */
bool leat_h3_use_remembered_settings(leat_h3 *h3);

#endif
