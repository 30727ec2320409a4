/* Everything. */
#ifndef LEAT_LEAT_H
#define LEAT_LEAT_H
#include <leat/base.h>
#include <leat/congestion.h>
#include <leat/early_data.h>
#include <leat/endpoint.h>
#include <leat/h3.h>
#include <leat/io.h>
#include <leat/qlog.h>
#include <leat/quic.h>
#include <leat/tls.h>
#include <leat/version.h>
#include <leat/webtransport.h>
#endif
