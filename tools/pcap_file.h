/* --pcap: datagrams as a capture file that Wireshark and `leat decode` read. */
#ifndef LEAT_TOOLS_PCAP_FILE_H
#define LEAT_TOOLS_PCAP_FILE_H

#include <leat/base.h>
#include <stdio.h>

/* NULL: it cannot be written, and errno says why. To be closed with fclose. */
FILE *pcap_file_open(const char *path);
/* One UDP datagram from path->local to path->remote, inside an IP packet of its own. */
void pcap_file_write(FILE *file, const uint8_t *bytes, size_t length, const leat_path *path,
                     leat_time time);

#endif
