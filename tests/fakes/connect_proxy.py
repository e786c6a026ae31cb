#!/usr/bin/env python3
"""A plant's HTTP proxy: CONNECT with Basic authentication, and nothing else.

usage: connect_proxy.py PORT-FILE USER:PASSWORD LOG [FROM=TO ...]
Tunnels are logged as they are asked for. FROM=TO: HOST:PORT that is reached as another HOST:PORT.
"""
import base64
import os
import socket
import sys
import threading


def pump(a, b):
    try:
        while data := a.recv(65536):
            b.sendall(data)
    except OSError:
        pass
    try:
        b.shutdown(socket.SHUT_WR)
    except OSError:
        pass


def read_head(client):
    head = b""
    while b"\r\n\r\n" not in head and len(head) < 65536:
        data = client.recv(4096)
        if not data:
            return None
        head += data
    return head.decode("latin-1").split("\r\n")


def serve(client, login, log, elsewhere):
    head = read_head(client)
    if head is None:
        client.close()
        return
    method, target = head[0].split(" ")[:2]
    if method != "CONNECT":
        client.sendall(b"HTTP/1.1 405 Method Not Allowed\r\nContent-Length: 0\r\n\r\n")
    elif "Proxy-Authorization: Basic " + login not in head[1:]:
        client.sendall(b"HTTP/1.1 407 Proxy Authentication Required\r\n"
                       b"Proxy-Authenticate: Basic realm=\"plant\"\r\nContent-Length: 0\r\n\r\n")
    else:
        tunnel(client, target, log, elsewhere)
        return
    client.close()


def tunnel(client, target, log, elsewhere):
    with open(log, "a", encoding="ascii") as out:
        out.write(target + "\n")
    host, port = elsewhere.get(target, target).rsplit(":", 1)
    try:
        server = socket.create_connection((host, int(port)), 10)
    except OSError:
        client.sendall(b"HTTP/1.1 502 Bad Gateway\r\nContent-Length: 0\r\n\r\n")
        client.close()
        return
    client.sendall(b"HTTP/1.1 200 Connection established\r\n\r\n")
    threading.Thread(target=pump, args=(client, server), daemon=True).start()
    pump(server, client)


def main():
    port_file, login, log = sys.argv[1:4]
    elsewhere = dict(pair.split("=", 1) for pair in sys.argv[4:])
    login = base64.b64encode(login.encode()).decode()
    listener = socket.create_server(("127.0.0.1", 0))
    with open(port_file + ".new", "w", encoding="ascii") as out:
        out.write(str(listener.getsockname()[1]))
    os.rename(port_file + ".new", port_file)
    print('{"event":"ready"}', flush=True)
    while True:
        client, _ = listener.accept()
        threading.Thread(target=serve, args=(client, login, log, elsewhere), daemon=True).start()


main()
