#!/bin/bash
# The service's client logs in by Entra ID, with a secret and with a certificate.
. "$(dirname "$0")/lib.sh"
openssl rand -hex 20 >"$work/secret"
openssl req -x509 -newkey rsa:2048 -nodes -days 30 -subj /CN=station -keyout "$work/entra.key" -out "$work/entra.pem" 2>"$errs"
service --entra-client station --entra-secret-file "$work/secret" --entra-certificate "$work/entra.pem"
sdk service_entra.js "$work/secret" "$work/entra.pem" "$work/entra.key"
