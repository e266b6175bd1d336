#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""The relay as a program, between two sockets of this machine's loopback.

    python3 test_relay.py PROGRAM
"""

import socket
import subprocess
import sys
import unittest

PATIENCE = 60.0
SHORT = 0.2  # how long to wait for what must not come


def udp(family=socket.AF_INET, host="127.0.0.1"):
    s = socket.socket(family, socket.SOCK_DGRAM)
    s.settimeout(PATIENCE)
    s.bind((host, 0))
    return s


class Relay(unittest.TestCase):
    program = ""

    def start(self, *options, host="127.0.0.1"):
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        self.near, self.far = udp(family, host), udp(family, host)
        text = f"[{host}]" if ":" in host else host
        self.relay = subprocess.Popen(
            [self.program, "--listen", f"{text}:0",
             "--to", f"{text}:{self.far.getsockname()[1]}", *options],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        self.addCleanup(self.stop)
        port = self.relay.stdout.readline().rsplit(":", 1)[1]
        self.near.connect((host, int(port)))

    def stop(self):
        self.relay.stdin.close()
        self.relay.wait(PATIENCE)
        self.relay.stdout.close()
        self.near.close()
        self.far.close()

    def tell(self, command):
        self.relay.stdin.write(command + "\n")
        self.relay.stdin.flush()
        return self.relay.stdout.readline().strip()

    def up(self, data):
        """Send one datagram to the far side; returns where it seems to come from."""
        self.near.send(data)
        got, source = self.far.recvfrom(65536)
        self.assertEqual(got, data)
        return source

    def assert_silent(self, s):
        s.settimeout(SHORT)
        with self.assertRaises(TimeoutError):
            s.recv(65536)
        s.settimeout(PATIENCE)

    def test_datagrams_go_both_ways_unharmed(self):
        for host in ("127.0.0.1", "::1"):
            self.start(host=host)
            for size in (0, 1, 1452, 9216):
                source = self.up(bytes(i % 251 for i in range(size)))
                self.far.sendto(b"answer", source)
                self.assertEqual(self.near.recv(100), b"answer")

    def test_what_is_too_long_is_dropped_not_cut(self):
        self.start()
        self.near.send(bytes(9217))
        self.up(b"next")

    def test_a_rebind_shows_the_far_side_another_port_and_loses_what_goes_to_the_old(self):
        self.start()
        before = self.up(b"one")
        self.assertEqual(self.tell("rebind"), "done: rebind")
        self.far.sendto(b"lost", before)
        after = self.up(b"two")
        self.assertNotEqual(before[1], after[1])
        self.far.sendto(b"found", after)
        self.assertEqual(self.near.recv(100), b"found")

    def test_rebind_after_happens_once(self):
        self.start("--rebind-after", "2")
        ports = [self.up(b"x")[1] for _ in range(6)]
        self.assertEqual(len(set(ports[:2])), 1)
        self.assertEqual(len(set(ports[2:])), 1)
        self.assertNotEqual(ports[0], ports[5])

    def test_the_weather_can_be_changed_at_any_time(self):
        self.start("--loss", "100")
        self.near.send(b"lost")
        self.assert_silent(self.far)
        self.assertEqual(self.tell("loss 0"), "done: loss 0")
        self.up(b"carried")
        self.tell("duplicate 100")
        self.up(b"twice")
        self.assertEqual(self.far.recv(100), b"twice")
        self.assert_silent(self.far)
        self.assertEqual(self.tell("stats"),
                         "received, carried, dropped: up 3 3 1 down 0 0 0")
        self.assertEqual(self.relay.stdout.readline(), "done: stats\n")

    def test_nonsense_is_answered_and_ignored(self):
        self.start()
        for line in ("loss", "loss 200", "storm 1", "", "loss 1 2", "seed 3"):
            self.assertEqual(self.tell(line), f"not understood: {line}".strip())
        self.up(b"still here")

    def test_it_ends_with_its_standard_input(self):
        self.start()
        self.relay.stdin.close()
        self.assertEqual(self.relay.wait(PATIENCE), 0)

    def test_a_wrong_command_line_is_refused(self):
        for options in ([], ["--listen", "127.0.0.1:0"], ["--snow", "1"], ["--loss"]):
            done = subprocess.run([self.program, *options], stdin=subprocess.DEVNULL,
                                  capture_output=True, timeout=PATIENCE)
            self.assertEqual(done.returncode, 2)
            self.assertIn(b"usage", done.stderr)


if __name__ == "__main__":
    Relay.program = sys.argv.pop(1)
    unittest.main()
