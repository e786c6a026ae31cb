#!/usr/bin/env python3
"""A name server for one plant: aliases and addresses from the command line (RFC 1035), on UDP port 53.

usage: name_server.py ADDRESS NAME=TARGET ...
TARGET is an IPv4 address or another name. What is not listed does not exist.
"""
import ipaddress
import socket
import struct
import sys


def packed(name):
    return b"".join(bytes([len(label)]) + label.encode() for label in name.split(".")) + b"\0"


def question(message):
    labels, at = [], 12
    while message[at]:
        labels.append(message[at + 1:at + 1 + message[at]].decode("latin-1").lower())
        at += 1 + message[at]
    return ".".join(labels), message[at + 1:at + 3], message[12:at + 5]


def records(zone, name, kind):
    found = []
    while name in zone:
        target = zone[name]
        try:
            address = ipaddress.IPv4Address(target).packed
        except ValueError:
            found.append(packed(name) + struct.pack(">HHIH", 5, 1, 60, len(packed(target))) + packed(target))
            name = target
            continue
        if kind == b"\0\1":
            found.append(packed(name) + struct.pack(">HHIH", 1, 1, 60, 4) + address)
        break
    return found


def main():
    zone = dict(pair.lower().split("=", 1) for pair in sys.argv[2:])
    server = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    server.bind((sys.argv[1], 53))
    print('{"event":"ready"}', flush=True)
    while True:
        message, peer = server.recvfrom(4096)
        name, kind, asked = question(message)
        found = records(zone, name, kind)
        flags = 0x8180 if name in zone else 0x8183
        server.sendto(message[:2] + struct.pack(">HHHHH", flags, 1, len(found), 0, 0) + asked + b"".join(found), peer)


main()
