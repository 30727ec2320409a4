"""Every record of every recorded connection against the drafts' schema, and every event of our table among them."""
import os
import re
import subprocess
import sys
import tempfile
import traceback

import schema

recordings, table = sys.argv[1:3]
tests = []


def test(body):
    tests.append(body)
    return body


def events_of_the_table():
    with open(table, encoding="utf-8") as file:
        return set(re.findall(r'"((?:quic|http3|webtransport):[a-z0-9_]+)"', file.read()))


@test
def the_recordings_are_made():
    result = subprocess.run([recordings], env=dict(os.environ, LEAT_QLOG_FOLDER=folder.name), timeout=250,
                            capture_output=True, check=False)
    assert result.returncode == 0, result.stdout.decode()[-2000:]
    assert len(contents()) == 14, contents().keys()


def contents():
    found = {}
    for name in sorted(os.listdir(folder.name)):
        with open(os.path.join(folder.name, name), "rb") as file:
            found[name] = file.read()
    return found


def all_events():
    return [event for content in contents().values() for event in schema.check(content)[0]]


@test
def every_record_is_as_the_schema_says():
    faults = [f"{name}: {fault}" for name, content in contents().items() for fault in schema.check(content)[1]]
    assert not faults, "\n".join([f"{len(faults)} faults"] + faults[:20])


@test
def every_event_of_the_table_occurs():
    missing = events_of_the_table() - {event["name"] for event in all_events()}
    assert not missing, missing


@test
def every_frame_occurs():
    seen = {frame["frame_type"] for event in all_events() if event["name"] in ("quic:packet_received", "quic:packet_sent")
            for frame in event["data"].get("frames", ())}
    assert not set(schema.FRAMES) - seen - {"unknown"}, set(schema.FRAMES) - seen


@test
def every_packet_with_keys_has_its_number_and_frames():
    packets = [event["data"] for event in all_events() if event["name"] in ("quic:packet_received", "quic:packet_sent")]
    for packet in packets:
        if packet["header"]["packet_type"] in ("initial", "handshake", "1RTT"):
            assert packet["frames"] and "packet_number" in packet["header"] and packet["raw"]["length"] > 20, packet


@test
def what_one_side_sent_is_what_the_other_received():
    both = contents()
    sent = {(e["data"]["header"]["packet_type"], e["data"]["header"]["packet_number"]): e["data"]
            for e in schema.check(both["session_client.sqlog"])[0] if e["name"] == "quic:packet_sent"}
    received = [e["data"] for e in schema.check(both["session_server.sqlog"])[0] if e["name"] == "quic:packet_received"]
    assert len(received) > 10
    for packet in received:
        twin = sent[packet["header"]["packet_type"], packet["header"]["packet_number"]]
        assert twin["frames"] == packet["frames"] and twin["raw"] == packet["raw"], (twin, packet)


@test
def keys_are_named_after_their_sender():
    both = contents()
    for name in ("session_server.sqlog", "session_client.sqlog"):
        keys = [e["data"]["key_type"] for e in schema.check(both[name])[0] if e["name"] == "quic:key_updated"]
        assert len(keys) == len(set(keys)) == 6, keys
        # RFC 9001 §5.7: a server writes 1-RTT packets before it can read any.
        assert name == "session_client.sqlog" or keys[-2:] == ["server_1rtt_secret", "client_1rtt_secret"], keys


@test
def secrets_stay_out():
    for name, content in contents().items():
        assert b"a secret" not in content, name
        assert b"stateless_reset_token" not in content, name


@test
def the_check_finds_faults():
    good = {"time": 1.5, "name": "quic:packet_lost", "data": {"header": {"packet_type": "1RTT", "packet_number": 7}}}
    assert schema.check_event(good) is None
    for change in ({"time": "1"}, {"name": "quic:packet_found"}, {"data": {"header": {}}}, {"data": {"more": 1}},
                   {"data": {"header": {"packet_type": "1rtt"}}}, {"more": 1},
                   {"name": "quic:marked_for_retransmit", "data": {"frames": [{"frame_type": "crypto", "offset": 0}]}},
                   {"name": "quic:connection_closed", "data": {"connection_error": "unknown"}}):
        assert schema.check_event({**good, **change}), change


folder = tempfile.TemporaryDirectory(prefix="leat-qlog-")
print(f"1..{len(tests)}")
failures = 0
for place, body in enumerate(tests, 1):
    try:
        body()
        print(f"ok {place} - {body.__name__}", flush=True)
    except Exception:
        failures += 1
        print(f"not ok {place} - {body.__name__}")
        print("# " + traceback.format_exc()[-3000:].replace("\n", "\n# "), flush=True)
sys.exit(failures > 0)
