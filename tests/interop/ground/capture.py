# SPDX-License-Identifier: MIT
"""What went over an outer link, and the verdict on every packet of it.

Allowed are WireGuard messages between the two endpoints, and the neighbour discovery
that any Ethernet needs. Everything else is a leak: names asked outside, a direct
connection, plain text, a message of the wrong shape, even an IP fragment.
"""

import ipaddress
import socket
import struct
from dataclasses import dataclass
from pathlib import Path

from . import recorder
from .process import Process, module

INITIATION, RESPONSE, COOKIE, DATA = 1, 2, 3, 4
FIXED_LENGTHS = {INITIATION: 148, RESPONSE: 92, COOKIE: 64}
DATA_OVERHEAD = 32  # header 16, tag 16

ARP, IPV4, IPV6 = 0x0806, 0x0800, 0x86DD
ICMP, UDP, ICMPV6, HOP_BY_HOP = 1, 17, 58, 0

# Multicast listener and neighbour discovery: the kernel's own, hop limit 1 or 255.
LINK_ICMPV6 = {130, 131, 132, 133, 134, 135, 136, 137, 143}


@dataclass
class Rules:
    """What one outer link may carry."""

    client: tuple  # outer addresses of the client, as text
    far: tuple
    far_port: int
    mtu: int = 1420  # of the tunnel: the only length that is no multiple of 16
    client_port: int | None = None  # None: any, but what is seen stays on record
    # For times when the program at one end is gone and its kernel says so.
    port_unreachable: bool = False


@dataclass(slots=True)
class Packet:
    time: float
    length: int
    head: bytes
    verdict: str = ""  # empty: allowed
    kind: int = 0  # WireGuard message type
    outbound: bool = False
    client_port: int = 0
    session: int = 0  # receiver index of data, sender index of a handshake message

    def __str__(self):
        return f"{self.verdict}: {describe(self.head)} ({self.length} bytes)"


@dataclass
class Report:
    """Every packet of one capture, judged."""

    packets: list
    lost: int

    @property
    def leaks(self):
        return [p for p in self.packets if p.verdict]

    def messages(self, kind, outbound=None):
        return [p for p in self.packets
                if p.kind == kind and outbound in (None, p.outbound)]

    def client_ports(self):
        return {p.client_port for p in self.packets if p.kind}

    def check(self):
        """Raises AssertionError that names each leaked packet."""
        assert self.lost == 0, f"the recorder lost {self.lost} frames: no verdict possible"
        leaks = self.leaks
        shown = "\n".join(f"  {p}" for p in leaks[:40])
        assert not leaks, f"{len(leaks)} packets leaked to the outer link:\n{shown}"


def _address(raw):
    return str(ipaddress.ip_address(raw))


def describe(head):
    """One line for a person who has to find out where a packet came from."""
    kind = struct.unpack_from("!H", head, 12)[0]
    if kind == IPV4:
        source, target, protocol, at = head[26:30], head[30:34], head[23], 34
    elif kind == IPV6:
        source, target, protocol, at = head[22:38], head[38:54], head[20], 54
    else:
        return f"Ethernet type {kind:#06x} {head[14:].hex()}"
    names = {ICMP: "ICMP", 6: "TCP", UDP: "UDP", ICMPV6: "ICMPv6"}
    text = f"{names.get(protocol, f'protocol {protocol}')} {_address(source)}"
    if protocol in (6, UDP):
        ports = struct.unpack_from("!HH", head, at)
        return f"{text}:{ports[0]} -> {_address(target)}:{ports[1]} {head[at + 8:].hex()}"
    return f"{text} -> {_address(target)} {head[at:].hex()}"


class Judge:
    def __init__(self, rules):
        self.rules = rules
        self.client = {ipaddress.ip_address(a).packed for a in rules.client}
        self.far = {ipaddress.ip_address(a).packed for a in rules.far}

    def judge(self, packet):
        kind = struct.unpack_from("!H", packet.head, 12)[0]
        if kind == ARP:
            return
        if kind == IPV4:
            packet.verdict = self._ipv4(packet)
        elif kind == IPV6:
            packet.verdict = self._ipv6(packet)
        else:
            packet.verdict = "neither IP nor ARP"

    def _ipv4(self, packet):
        head = packet.head
        if head[14] != 0x45:
            return "an IPv4 header with options"
        if struct.unpack_from("!H", head, 20)[0] & 0x3FFF:
            return "an IPv4 fragment"
        source, target = head[26:30], head[30:34]
        if head[23] == UDP:
            return self._udp(packet, 34, source, target)
        if head[23] == ICMP and head[34:36] == b"\x03\x03":
            return self._port_unreachable(head[34 + 8 + 20 :], source)
        return "not UDP"

    def _ipv6(self, packet):
        head = packet.head
        source, target, next_header = head[22:38], head[38:54], head[20]
        if next_header == UDP:
            return self._udp(packet, 54, source, target)
        if next_header == HOP_BY_HOP and head[54] == ICMPV6:
            # Only multicast listener reports carry one: eight bytes of router alert.
            return "" if head[62] in LINK_ICMPV6 else "not neighbour discovery"
        if next_header == ICMPV6:
            if head[54] in LINK_ICMPV6:
                return ""
            if head[54:56] == b"\x01\x04":
                return self._port_unreachable(head[54 + 8 + 40 :], source)
        return "not UDP"

    def _port_unreachable(self, inner_udp, source):
        """The kernel of one end says that nobody there takes WireGuard messages."""
        far_port = struct.pack("!H", self.rules.far_port)
        quoted_from, quoted_to = inner_udp[:2], inner_udp[2:4]
        answered = quoted_from if source in self.client else quoted_to
        if self.rules.port_unreachable and answered == far_port:
            return ""
        return "an ICMP error"

    def _udp(self, packet, at, source, target):
        source_port, target_port, length = struct.unpack_from("!HHH", packet.head, at)
        if source in self.client and target in self.far:
            packet.outbound, near_port, far_port = True, source_port, target_port
        elif source in self.far and target in self.client:
            packet.outbound, near_port, far_port = False, target_port, source_port
        else:
            return "UDP, but not between the two endpoints"
        if far_port != self.rules.far_port:
            return "UDP, but not on the WireGuard port"
        if self.rules.client_port not in (None, near_port):
            return "UDP, but not from the client's ListenPort"
        if at + length != packet.length:
            return "UDP whose length is not the packet's"
        packet.client_port = near_port
        return self._message(packet, packet.head[at + 8 :], length - 8)

    def _message(self, packet, payload, length):
        if len(payload) < 8 or payload[0] not in (1, 2, 3, 4):
            return "UDP, but no WireGuard message"
        if payload[1:4] != b"\0\0\0":
            return "a WireGuard message with reserved bytes set"
        kind = payload[0]
        if kind == DATA:
            inner = length - DATA_OVERHEAD
            if inner < 0 or inner > self.rules.mtu:
                return "WireGuard data of impossible length"
            if inner % 16 and inner != self.rules.mtu:
                return "WireGuard data without padding"
        elif length != FIXED_LENGTHS[kind]:
            return "a WireGuard handshake message of the wrong length"
        packet.kind = kind
        packet.session = struct.unpack_from("<I", payload, 4)[0]
        return ""


def read(path):
    """The packets of a pcap file that the recorder wrote."""
    data = Path(path).read_bytes()
    packets, at = [], 24
    while at < len(data):
        sec, nsec, captured, length = recorder.RECORD.unpack_from(data, at)
        at += recorder.RECORD.size
        packets.append(Packet(sec + nsec / 1e9, length, data[at : at + captured]))
        at += captured
    return packets


class Capture:
    """A recorder at work on the client's end of one outer link."""

    def __init__(self, network, interface, path):
        self._network, self._interface, self._path = network, interface, path
        self._recorder = Process(
            network, module("recorder", interface, path), path.with_suffix(".log"),
        )

    def wait_ready(self):
        self._recorder.wait_for_output("recording", 60)

    def finish(self, rules):
        """Stop recording; the report has every packet from the beginning up to now."""
        self.wait_ready()
        with self._network.inside():
            s = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, 0)
        with s:
            s.bind((self._interface, 0))
            s.send(recorder.marker(recorder.END))
        self._recorder.wait(30)
        lost = int(self._recorder.output.rsplit("lost ", 1)[1])
        packets = read(self._path)
        judge = Judge(rules)
        for packet in packets:
            judge.judge(packet)
        return Report(packets, lost)

    def abandon(self):
        self._recorder.kill()
