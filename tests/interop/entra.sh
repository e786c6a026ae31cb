#!/bin/bash
# One script of this folder against an emulated service with an Entra ID that knows a secret and a certificate.
# usage: entra.sh SCRIPT ARGS...
. "$(dirname "$0")/lib.sh"
openssl rand -hex 20 >"$work/entra.secret"
openssl req -x509 -newkey rsa:2048 -nodes -days 30 -subj /CN=station -keyout "$work/entra.key" -out "$work/entra.pem" 2>"$errs"
service --poll-retry-after 1 --entra-client station --entra-secret-file "$work/entra.secret" --entra-certificate "$work/entra.pem"
sdk "$@"
