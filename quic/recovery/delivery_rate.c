/* Snapshots and samples: see delivery_rate.h. */
#include "quic/recovery/delivery_rate.h"

void leat_delivery_rate_on_sent(
    leat_delivery_rate *rate, leat_sent_packet *packet, uint64_t bytes_in_flight) {
    /* draft-cheng-iccrg-delivery-rate-estimation-02 §3.2: a flight begins, the idle time before it
     * does not count. */
    if (bytes_in_flight == packet->sent_bytes) {
        rate->first_sent_time = rate->delivered_time = packet->time_sent;
    }
    packet->path_then = (leat_sent_snapshot){
        .bytes_in_flight = bytes_in_flight,
        .delivered = rate->delivered,
        .lost = rate->lost,
        .delivered_time = rate->delivered_time,
        .first_sent_time = rate->first_sent_time,
        .is_app_limited = rate->app_limited != 0,
    };
}

void leat_delivery_rate_on_acked(leat_delivery_rate *rate, leat_rate_builder *builder,
    const leat_sent_packet *packet, leat_time now) {
    const leat_sent_snapshot *then = &packet->path_then;
    rate->delivered += packet->sent_bytes;
    rate->delivered_time = now;
    builder->sample.newly_acked += packet->sent_bytes;
    if (builder->has_packet && packet->time_sent < builder->newest_sent) {
        return;
    }
    builder->has_packet = true;
    builder->newest_sent = packet->time_sent;
    builder->sample.prior_delivered = then->delivered;
    builder->sample.lost = then->lost; /* until finish makes it a difference */
    builder->sample.tx_in_flight = then->bytes_in_flight;
    builder->sample.is_app_limited = then->is_app_limited;
    /*
     * draft-cheng-iccrg-delivery-rate-estimation-02 §2.2: neither sent nor acknowledged faster than
     * this, so that bunched ACKs do not look like bandwidth.
     */
    leat_time send_elapsed = leat_time_sub(packet->time_sent, then->first_sent_time);
    leat_time ack_elapsed = leat_time_sub(now, then->delivered_time);
    builder->interval = send_elapsed > ack_elapsed ? send_elapsed : ack_elapsed;
    rate->first_sent_time = packet->time_sent;
}

/* bytes per second; 0 when the interval is too short to be true. */
static uint64_t rate_of(uint64_t bytes, leat_time interval, leat_time min_rtt) {
    /* draft-cheng-iccrg-delivery-rate-estimation-02 §3.3: nothing is acknowledged faster. */
    if (interval == 0 || interval < min_rtt) {
        return 0;
    }
    uint64_t scaled = leat_time_multiply(bytes, LEAT_SECOND);
    return scaled != UINT64_MAX ? scaled / interval : bytes / (interval / LEAT_SECOND + 1);
}

void leat_delivery_rate_finish(leat_delivery_rate *rate, leat_rate_builder *builder,
    const leat_rtt *rtt, uint64_t bytes_in_flight, leat_time now) {
    leat_rate_sample *sample = &builder->sample;
    if (rate->app_limited != 0 && rate->delivered > rate->app_limited) {
        rate->app_limited = 0;
    }
    sample->delivered = rate->delivered;
    sample->delivery_rate =
        rate_of(rate->delivered - sample->prior_delivered, builder->interval, rtt->min_rtt);
    sample->lost = rate->lost - sample->lost;
    sample->bytes_in_flight = bytes_in_flight;
    sample->smoothed_rtt = rtt->smoothed_rtt;
    sample->min_rtt = rtt->min_rtt;
    sample->now = now;
}

void leat_delivery_rate_set_app_limited(leat_delivery_rate *rate, uint64_t bytes_in_flight) {
    uint64_t end = rate->delivered + bytes_in_flight;
    rate->app_limited = end > 0 ? end : 1;
}

leat_congestion_packet leat_delivery_rate_describe(const leat_sent_packet *packet) {
    return (leat_congestion_packet){
        .time_sent = packet->time_sent,
        .bytes = packet->sent_bytes,
        .bytes_in_flight = packet->path_then.bytes_in_flight,
        .delivered = packet->path_then.delivered,
        .lost = packet->path_then.lost,
        .is_app_limited = packet->path_then.is_app_limited,
    };
}
