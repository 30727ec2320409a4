"""The drafts' definitions of qlog events as tables, and a check of sequences against them.

draft-ietf-quic-qlog-main-schema-14 (file, trace, event), draft-ietf-quic-qlog-quic-events-13 and
draft-ietf-quic-qlog-h3-events-13 (data of events). A member whose name begins with an underscore may be missing; a
member without a row is an error, although the drafts let tools ignore it: what we write is meant to be understood.
"""
import json
import re

# ---- types: a function that returns None, or what is wrong


def number(bits):
    def check(value):
        if isinstance(value, str) and bits == 64:  # main schema §11.3: above 2^53 - 1 as a string
            ok = re.fullmatch(r"[0-9]{16,20}", value) and 2**53 <= int(value) < 2**64
        else:
            ok = isinstance(value, int) and not isinstance(value, bool) and 0 <= value < 2**min(bits, 53)
        return None if ok else f"not a uint{bits}: {value!r}"
    return check


def real(value):
    return None if isinstance(value, (int, float)) and not isinstance(value, bool) else f"not a number: {value!r}"


def text(value):
    return None if isinstance(value, str) else f"not a text: {value!r}"


def flag(value):
    return None if isinstance(value, bool) else f"not a bool: {value!r}"


def hexstring(value):
    return None if isinstance(value, str) and re.fullmatch("([0-9a-f]{2})*", value) else f"not a hexstring: {value!r}"


def one_of(*words):
    return lambda value: None if value in words else f"not one of {words}: {value!r}"


def matching(pattern):
    return lambda value: None if isinstance(value, str) and re.fullmatch(pattern, value) else f"not {pattern}: {value!r}"


def any_of(*types):
    return lambda value: None if any(t(value) is None for t in types) else f"none of the types: {value!r}"


def items(of, minimum=0):
    def check(value):
        if not isinstance(value, list) or len(value) < minimum:
            return f"not a list of at least {minimum}: {value!r}"
        return next((wrong for wrong in map(of, value) if wrong), None)
    return check


def members(**rows):
    required = {name for name in rows if not name.startswith("_")}
    types = {name.lstrip("_"): of for name, of in rows.items()}

    def check(value):
        if not isinstance(value, dict):
            return f"not an object: {value!r}"
        for name in required - value.keys():
            return f"{name} is missing in {value!r}"
        for name, member in value.items():
            if name not in types:
                return f"unknown member {name} in {value!r}"
            wrong = types[name](member)
            if wrong:
                return f"{name}: {wrong}"
        return None
    return check


def by(name, **kinds):
    """An object whose member `name` says which of the kinds it is."""
    def check(value):
        if not isinstance(value, dict) or value.get(name) not in kinds:
            return f"unknown {name} in {value!r}"
        return kinds[value[name]](value)
    return check


u8, u16, u32, u64 = number(8), number(16), number(32), number(64)

# ---- QUIC, §8: types

initiator = one_of("local", "remote")
cid = matching("([0-9a-f]{2}){0,20}")
version = matching("[0-9a-f]{8}")
ip = matching("[0-9a-f.:]+")
raw = members(_length=u64, _payload_length=u64, _data=hexstring)
token = members(_type=one_of("retry", "resumption"), _details=members(), _raw=raw)
endpoint = members(_ip_v4=ip, _port_v4=u16, _ip_v6=ip, _port_v6=u16, _connection_ids=items(cid, 1))
packet_type = one_of("initial", "handshake", "0RTT", "1RTT", "retry", "version_negotiation", "stateless_reset", "unknown")
packet_number_space = one_of("initial", "handshake", "application_data")
header = members(
    packet_type=packet_type, _packet_type_bytes=u64, _spin_bit=flag, _key_phase=u64, _key_phase_bit=flag,
    _packet_number_length=u8, _packet_number=u64, _token=token, _length=u16, _version=version, _scil=u8, _dcil=u8,
    _scid=cid, _dcid=cid)
key_type = matching("(server|client)_(initial|handshake|0rtt|1rtt)_secret")
stream_type = one_of("unidirectional", "bidirectional")
stream_state = one_of(
    "idle", "open", "closed", "half_closed_local", "half_closed_remote", "ready", "send", "data_sent", "reset_sent",
    "reset_received", "receive", "size_known", "data_read", "reset_read", "data_received", "destroyed")
connection_state = one_of(
    "attempted", "handshake_started", "handshake_complete", "closed", "peer_validated", "early_write",
    "handshake_confirmed", "closing", "draining")
transport_error = any_of(one_of(
    "no_error", "internal_error", "connection_refused", "flow_control_error", "stream_limit_error",
    "stream_state_error", "final_size_error", "frame_encoding_error", "transport_parameter_error",
    "connection_id_limit_error", "protocol_violation", "invalid_token", "application_error", "crypto_buffer_exceeded",
    "key_update_error", "aead_limit_reached", "no_viable_path", "unknown"), matching("crypto_error_0x1[0-9a-f][0-9a-f]"))
application_error = one_of(
    "http_no_error", "http_general_protocol_error", "http_internal_error", "http_stream_creation_error",
    "http_closed_critical_stream", "http_frame_unexpected", "http_frame_error", "http_excessive_load", "http_id_error",
    "http_settings_error", "http_missing_settings", "http_request_rejected", "http_request_cancelled",
    "http_request_incomplete", "http_early_response", "http_connect_error", "http_version_fallback", "unknown")

# ---- QUIC, §8.13: frames


FRAMES = {
    "padding": {}, "ping": {}, "handshake_done": {}, "datagram": {},
    "ack": {"_ack_delay": real, "_acked_ranges": items(items(u64, 1), 1), "_ect1": u64, "_ect0": u64, "_ce": u64},
    "reset_stream": {"stream_id": u64, "error": application_error, "_error_code": u64, "final_size": u64},
    "reset_stream_at": {"stream_id": u64, "error": application_error, "_error_code": u64, "final_size": u64,
                        "reliable_size": u64},
    "immediate_ack": {}, "ack_frequency": {"sequence_number": u64, "ack_eliciting_threshold": u64,
                                           "requested_max_ack_delay": u64, "reordering_threshold": u64},
    "stop_sending": {"stream_id": u64, "error": application_error, "_error_code": u64},
    "crypto": {"offset": u64, "raw": members(length=u64, _payload_length=u64, _data=hexstring)},
    "new_token": {"token": token},
    "stream": {"stream_id": u64, "_offset": u64, "_fin": flag},
    "max_data": {"maximum": u64},
    "max_stream_data": {"stream_id": u64, "maximum": u64},
    "max_streams": {"stream_type": stream_type, "maximum": u64},
    "data_blocked": {"limit": u64},
    "stream_data_blocked": {"stream_id": u64, "limit": u64},
    "streams_blocked": {"stream_type": stream_type, "limit": u64},
    "new_connection_id": {"sequence_number": u64, "retire_prior_to": u64, "_connection_id_length": u8,
                          "connection_id": cid, "_stateless_reset_token": matching("[0-9a-f]{32}")},
    "retire_connection_id": {"sequence_number": u64},
    "path_challenge": {"_data": matching("[0-9a-f]{16}")},
    "path_response": {"_data": matching("[0-9a-f]{16}")},
    "connection_close": {"_error_space": one_of("transport", "application"), "_error": any_of(transport_error, application_error),
                         "_error_code": u64, "_reason": text, "_reason_bytes": hexstring,
                         "_trigger_frame_type": any_of(u64, text)},
    "unknown": {"frame_type_bytes": u64},
}
frame = by("frame_type", **{kind: members(frame_type=one_of(kind), **({} if "raw" in rows else {"_raw": raw}), **rows)
                            for kind, rows in FRAMES.items()})

# ---- HTTP/3, §3 and §4

http_field = members(_name=text, _name_bytes=hexstring, _value=text, _value_bytes=hexstring)
setting = members(
    _name=one_of("settings_qpack_max_table_capacity", "settings_max_field_section_size", "settings_qpack_blocked_streams",
                 "settings_enable_connect_protocol", "settings_h3_datagram", "reserved", "unknown"),
    _name_bytes=u64, value=u64)
HTTP3_FRAMES = {
    "data": {}, "headers": {"headers": items(http_field)}, "cancel_push": {"push_id": u64},
    "settings": {"settings": items(setting)}, "push_promise": {"push_id": u64, "headers": items(http_field)},
    "goaway": {"id": u64}, "max_push_id": {"push_id": u64}, "reserved": {"frame_type_bytes": u64},
    "unknown": {"frame_type_bytes": u64},
    "priority_update": {"_stream_id": u64, "_push_id": u64, "priority_field_value": text},
}
http3_frame = by("frame_type", **{kind: members(frame_type=one_of(kind), _raw=raw, **rows)
                                  for kind, rows in HTTP3_FRAMES.items()})
http3_settings = {"_max_field_section_size": u64, "_max_table_capacity": u64, "_blocked_streams_count": u64,
                  "_extended_connect": u16, "_h3_datagram": u16}

# ---- the events

packet = {"_frames": items(frame), "_stateless_reset_token": matching("[0-9a-f]{32}"),
          "_supported_versions": items(version, 1), "_raw": raw, "_datagram_payload_checksum": u32}
dropped = {"_header": header, "_raw": raw, "_datagram_payload_checksum": u32}
parameters = {name: u64 for name in (
    "_max_idle_timeout _max_udp_payload_size _active_connection_id_limit _initial_max_data "
    "_initial_max_stream_data_bidi_local _initial_max_stream_data_bidi_remote _initial_max_stream_data_uni "
    "_initial_max_streams_bidi _initial_max_streams_uni _max_datagram_frame_size").split()}
metrics = {name: real for name in "_min_rtt _smoothed_rtt _latest_rtt _rtt_variance".split()}
EVENTS = {
    "quic:connection_started": members(local=endpoint, remote=endpoint),
    "quic:connection_closed": members(
        _initiator=initiator, _connection_error=transport_error, _application_error=application_error, _error_code=u64,
        _internal_code=u64, _reason=text,
        _trigger=one_of("idle_timeout", "application", "error", "version_mismatch", "stateless_reset", "aborted",
                        "unspecified")),
    "quic:connection_id_updated": members(initiator=initiator, _old=cid, _new=cid),
    "quic:connection_state_updated": members(_old=connection_state, new=connection_state),
    "quic:tuple_assigned": members(tuple_id=text, _tuple_remote=endpoint, _tuple_local=endpoint),
    "quic:version_information": members(_server_versions=items(version, 1), _client_versions=items(version, 1),
                                        _chosen_version=version),
    "quic:alpn_information": members(_chosen_alpn=members(_byte_value=hexstring, _string_value=text)),
    "quic:parameters_set": members(
        _initiator=initiator, _original_destination_connection_id=cid, _initial_source_connection_id=cid,
        _retry_source_connection_id=cid, _stateless_reset_token=matching("[0-9a-f]{32}"), _disable_active_migration=flag, _reset_stream_at=flag,
        _ack_delay_exponent=u64, _max_ack_delay=u64, **parameters),
    "quic:packet_sent": members(header=header, _trigger=one_of(
        "retransmit_reordered", "retransmit_timeout", "pto_probe", "retransmit_crypto", "cc_bandwidth_probe"), **packet),
    "quic:packet_received": members(header=header, _trigger=one_of("keys_available"), **packet),
    "quic:packet_dropped": members(_details=members(reason=text), _trigger=one_of(
        "internal_error", "rejected", "unsupported", "invalid", "duplicate", "connection_unknown", "decryption_failure",
        "key_unavailable", "general"), **dropped),
    "quic:packet_buffered": members(_trigger=one_of("backpressure", "keys_unavailable"), **dropped),
    "quic:packets_acked": members(_packet_number_space=packet_number_space, _packet_numbers=items(u64, 1)),
    "quic:stream_state_updated": members(
        stream_id=u64, _stream_type=stream_type, _old=stream_state, new=stream_state,
        stream_side=one_of("sending", "receiving"), _trigger=one_of("local", "remote")),
    "quic:migration_state_updated": members(
        new=one_of("probing_started", "probing_abandoned", "probing_successful", "migration_started",
                   "migration_abandoned", "migration_complete"),
        _tuple_id=text, _tuple_remote=endpoint, _tuple_local=endpoint),
    # §5.21: the type is a socket: timers that the draft has no name for are ours.
    "quic:timer_updated": members(
        _timer_type=one_of("ack", "pto", "loss_timeout", "path_validation", "handshake_timeout", "request_timeout", "idle_timeout", "close",
                           "liveness", "ack_delay", "pacing", "previous_keys", "keep_alive", "calm"),
        _timer_id=u64, _packet_number_space=packet_number_space, event_type=one_of("set", "expired", "cancelled"),
        _delta=real),
    "quic:key_updated": members(key_type=key_type, _key_phase=u64, _trigger=one_of("tls", "remote_update", "local_update")),
    "quic:key_discarded": members(key_type=key_type, _key_phase=u64, _trigger=one_of("tls", "remote_update", "local_update")),
    "quic:recovery_parameters_set": members(
        _reordering_threshold=u16, _time_threshold=real, timer_granularity=u16, _initial_rtt=real, _max_datagram_size=u32,
        _initial_congestion_window=u64, _minimum_congestion_window=u64, _persistent_congestion_threshold=u16),
    "quic:recovery_metrics_updated": members(_pto_count=u16, _congestion_window=u64, _bytes_in_flight=u64, _ssthresh=u64,
                                             _packets_in_flight=u64, _pacing_rate=u64, **metrics),
    "quic:congestion_state_updated": members(_old=text, new=text, _trigger=text),
    "quic:ecn_state_updated": members(_old=one_of("testing", "unknown", "failed", "capable"),
                                      new=one_of("testing", "unknown", "failed", "capable")),
    "quic:mtu_updated": members(_old=u64, new=u64, _done=flag),
    "quic:packet_lost": members(_header=header, _frames=items(frame),
                                _trigger=one_of("reordering_threshold", "time_threshold", "pto_expired")),
    "quic:marked_for_retransmit": members(frames=items(frame, 1)),
    "http3:parameters_set": members(_initiator=initiator, _waits_for_settings=flag, **http3_settings),
    "http3:stream_type_set": members(
        _initiator=initiator, stream_id=u64, _stream_type_bytes=u64,
        stream_type=one_of("request", "control", "push", "reserved", "unknown", "qpack_encode", "qpack_decode")),
    "http3:priority_updated": members(_stream_id=u64, _push_id=u64, _old=text, new=text,
                                      _trigger=one_of("client_signal_received", "local", "other")),
    "http3:frame_created": members(stream_id=u64, frame=http3_frame),
    "http3:frame_parsed": members(stream_id=u64, frame=http3_frame),
    "http3:datagram_created": members(quarter_stream_id=u64, _raw=raw),
    "http3:datagram_parsed": members(quarter_stream_id=u64, _raw=raw),
    # Ours: no draft has a schema for WebTransport.
    "webtransport:session_state_updated": members(session_id=u64, old=text, new=text),
    "loglevel:warning": members(_code=u64, _message=text),
}

# ---- the file: main schema §3 to §7

date = matching(r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}(\.[0-9]+)?Z")
head = members(
    file_schema=one_of("urn:ietf:params:qlog:file:sequential"), serialization_format=one_of("application/qlog+json-seq"),
    _title=text, _description=text,
    trace=members(
        _common_fields=members(
            _time_format=one_of("relative_to_epoch"), _group_id=cid,
            _reference_time=members(clock_type=one_of("monotonic"), epoch=one_of("unknown"), _wall_clock_time=date)),
        _vantage_point=members(_name=text, type=one_of("client", "server")), event_schemas=items(text, 1)))


def check_event(event):
    outside = members(time=real, name=one_of(*EVENTS), data=lambda value: None, _group_id=cid)(event)
    if outside:
        return outside
    wrong = EVENTS[event["name"]](event["data"])
    unknown = [m for m in ("error", "connection_error", "application_error") if event["data"].get(m) == "unknown"]
    if unknown and "error_code" not in event["data"]:
        wrong = wrong or "an unknown error without its code"
    return wrong and f"{event['name']}: {wrong}"


def records(content):
    """RFC 7464 §2.2: a record separator, a JSON text, a line feed."""
    if not content.startswith(b"\x1e") or not content.endswith(b"\n"):
        raise ValueError("not a JSON text sequence")
    for record in content[1:].split(b"\x1e"):
        if not record.endswith(b"\n"):
            raise ValueError(f"a record without its line feed: {record!r}")
        yield json.loads(record.decode("utf-8"))


def check(content):
    """The events of the sequence and the faults found."""
    found, faults = [], []
    for place, record in enumerate(records(content)):
        wrong = head(record) if place == 0 else check_event(record)
        if wrong:
            faults.append(f"record {place}: {wrong}")
        if place > 0:
            found.append(record)
    times = [event["time"] for event in found]
    if times != sorted(times):
        faults.append("events are not in the order of their times")
    return found, faults
