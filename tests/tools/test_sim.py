"""leat sim: the same seed is the same run, what it prints and writes, and what it refuses."""
import json
import os
import sys
import xml.dom.minidom

from harness import content, expect, expect_equal, expect_one_line, main, path, run, test

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "qlog"))
import schema  # noqa: E402


def simulate(*arguments):
    done = run("sim", "--json", "--bytes", "1MB", *arguments)
    expect_equal(done.status, 0)
    return json.loads(done.out)


@test
def the_same_seed_is_the_same_run():
    arguments = ("--loss", "2%", "--reorder", "0.05", "--jitter", "3ms")
    expect_equal(simulate(*arguments, "--seed", "7"), simulate(*arguments, "--seed", "7"))
    expect(simulate(*arguments, "--seed", "7")["digest"] != simulate(*arguments, "--seed", "8")["digest"], "seeds")


@test
def the_link_is_the_one_that_was_asked_for():
    found = simulate("--rtt", "100ms", "--rate", "5Mbps", "--queue", "30")
    flow = found["connections"][0]
    expect(100 <= flow["min_rtt_ms"] < 105, flow)
    expect(3.5e6 < flow["goodput_bps"] < 5e6, flow)
    expect_equal(flow["bytes"], 1000040)
    expect(found["link"]["lost"] == 0, found["link"])


@test
def faults_happen_as_often_as_asked():
    link = simulate("--loss", "5%", "--duplicate", "10%", "--corrupt", "1%", "--reorder", "3%")["link"]
    expect(0.03 < link["lost"] / link["sent"] < 0.07, link)
    expect(0.06 < link["duplicated"] / link["sent"] < 0.14, link)
    expect(link["corrupted"] > 0 and link["overtaken"] > 0, link)


@test
def every_controller_and_several_connections():
    digests = set()
    for name in ("newreno", "cubic", "bbr"):
        found = simulate("--cc", name, "--connections", "3", "--codel")
        expect_equal(len(found["connections"]), 3)
        digests.add(found["digest"])
    expect_equal(len(digests), 3)


@test
def the_capture_and_the_secrets_show_every_packet():
    for option in ((), ("--scenario", "3")):
        name = "run%d" % len(option)
        found = simulate("--pcap", path(name + ".pcap"), "--keylog", path(name + ".keys"), *option)
        shown = run("decode", "--keylog", path(name + ".keys"), path(name + ".pcap"))
        expect_equal(shown.status, 0)
        datagrams = [line for line in shown.lines if line.startswith("datagram: ")]
        expect_equal(len(datagrams), found["link"]["sent"])
        words = {line.split(":")[0].strip() for line in shown.lines}
        expect("frame" in words and not words & {"protected", "fault"}, sorted(words))


@test
def the_picture_and_the_traces_are_well_formed():
    simulate("--plot", path("run.svg"), "--qlog", path("logs"), "--loss", "1%")
    picture = xml.dom.minidom.parseString(content("run.svg"))
    expect(len(picture.getElementsByTagName("polyline")) >= 3, "lines")
    names = sorted(os.listdir(path("logs")))
    expect_equal([name.split("_")[1] for name in names], ["client.sqlog", "server.sqlog"])
    for name in names:
        _, faults = schema.check(content(os.path.join("logs", name)))
        expect(not faults, faults[:5])


@test
def words_for_people():
    done = run("sim", "--bytes", "100kB")
    expect_equal(done.status, 0)
    expect(done.lines[0].startswith("connection 0: 100040 bytes in "), done)


@test
def a_random_scenario_by_its_seed():
    expect_equal(run("sim", "--scenario", "5", "--json").status, 0)


@test
def a_transfer_that_cannot_be_is_a_failure():
    done = run("sim", "--mtu", "600")
    expect_equal(done.status, 1)
    expect("handshake_timeout" in done.err, done.err)


@test
def wrong_options_are_one_line():
    for arguments in (["--rtt", "5parsec"], ["--rate", "-1Mbps"], ["--loss", "150%"], ["--cc", "vegas"], ["chart"],
                      ["--connections", "0"], ["--bytes", "many"]):
        expect_one_line(run("sim", *arguments), 2)


main()
