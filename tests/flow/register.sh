#!/bin/bash
# Devices register with the emulated service by themselves, with the tools that people have: curl, openssl and
# tpm2-tools on a TPM of swtpm. What the service refuses, it refuses with its own words.
. "$(dirname "$0")/lib.sh"
service --poll-retry-after 1
base=https://$host/$(jq -r .idScope "$service_json")/registrations
scope=$(jq -r .idScope "$service_json")
ca=$(jq -r .caFile "$service_json")
version='api-version=2021-06-01'

# device METHOD URL BODY CURL-OPTIONS...: the answer's body in $out, its headers in $work/headers, status in $status
device() {
	local method=$1 url=$2 body=$3
	shift 3
	status=$(curl -sS --max-time 20 --cacert "$ca" -X "$method" -H 'Content-Type: application/json; charset=utf-8' \
		-H 'Content-Encoding: utf-8' -d "$body" -D "$work/headers" -o "$out" -w '%{http_code}' "$@" "$url?$version" 2>"$errs") ||
		fail "$method $url does not get through"
}

# registers ID BODY CURL-OPTIONS...: to the end; the final answer is in $out
registers() {
	local id=$1 body=$2 operation
	shift 2
	device PUT "$base/$id/register" "$body" "$@"
	equal 202 "$status" "status of the registration of $id"
	grep -qi '^retry-after: 1' "$work/headers" || fail "no Retry-After"
	grep -qi "^location: https://$host/$scope/registrations/$id/register" "$work/headers" || fail "no Location"
	operation=$(jq -r .operationId "$out")
	device GET "$base/$id/operations/$operation" '' "$@"
	equal 202 "$status" "status of the first poll of $id"
	device GET "$base/$id/operations/$operation" '{}' "$@"
	equal 200 "$status" "status of the second poll of $id"
}

# refused ID WANT CODE MESSAGE BODY CURL-OPTIONS...
refused() {
	local id=$1 want=$2 code=$3 message=$4 body=$5
	shift 5
	device PUT "$base/$id/register" "$body" "$@"
	equal "$want" "$status" "status of $id"
	equal "$code" "$(jq .errorCode "$out")" "error code of $id"
	equal "$message" "$(jq -r .message "$out")" "message to $id"
}

hex() { od -An -vtx1 "$1" | tr -d ' \n'; }
encode() { sed 's/+/%2B/g; s,/,%2F,g; s/=/%3D/g'; }

# token ID KEY-FILE (raw bytes) [SECONDS]
token() {
	local sr="$scope%2Fregistrations%2F$1" se=$(($(date +%s) + ${3:-3600})) sig
	sig=$(printf '%s\n%s' "$sr" "$se" | openssl dgst -sha256 -mac HMAC -macopt "hexkey:$(hex "$2")" -binary | base64 -w0 | encode)
	echo "Authorization: SharedAccessSignature sr=$sr&sig=$sig&se=$se&skn=registration"
}

# put PATH BODY: an enrollment or a group
put() { api PUT "$1" "$2" >"$out" || fail "the service does not take $1"; }

# Symmetric keys: an individual enrollment's, and one that derives from a group's.
openssl rand 32 >"$work/own.key"
openssl rand 64 >"$work/group.key"
put /enrollments/sym-1 "{\"registrationId\":\"sym-1\",\"deviceId\":\"Sensor-1\",\"attestation\":{\"type\":\"symmetricKey\",\"symmetricKey\":{
	\"primaryKey\":\"$(base64 -w0 "$work/own.key")\",\"secondaryKey\":\"$(openssl rand -base64 32)\"}}}"
registers sym-1 '{"registrationId":"sym-1"}' -H "$(token sym-1 "$work/own.key")"
has '.status == "assigned" and .registrationState.deviceId == "Sensor-1" and .registrationState.substatus == "initialAssignment"'
refused sym-1 401 401002 Unauthorized '{"registrationId":"sym-1"}' -H "$(token sym-1 "$work/group.key")"
refused sym-1 401 401002 Unauthorized '{"registrationId":"sym-1"}' -H "$(token sym-1 "$work/own.key" -600)"
put /enrollmentGroups/meters "{\"enrollmentGroupId\":\"meters\",\"attestation\":{\"type\":\"symmetricKey\",\"symmetricKey\":{
	\"primaryKey\":\"$(base64 -w0 "$work/group.key")\",\"secondaryKey\":\"$(openssl rand -base64 32)\"}}}"
printf meter-1 | openssl dgst -sha256 -mac HMAC -macopt "hexkey:$(hex "$work/group.key")" -binary >"$work/derived.key"
registers meter-1 '{"registrationId":"meter-1"}' -H "$(token meter-1 "$work/derived.key")"
has '.registrationState.symmetricKey.enrollmentGroupId == "meters"'

# Certificates: root > line > device.
certificate() { # NAME EXTENSIONS ISSUER
	openssl req -new -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout "$work/$1.key" -subj "/CN=$1" -out "$work/$1.csr" 2>>"$errs" &&
		openssl x509 -req -in "$work/$1.csr" -CA "$work/$3.pem" -CAkey "$work/$3.key" -CAcreateserial -days 2 \
			-extfile <(echo "$2") -out "$work/$1.pem" 2>>"$errs" || fail "no certificate $1"
}
openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout "$work/root.key" -subj /CN=root -days 2 -out "$work/root.pem" 2>>"$errs"
certificate line basicConstraints=critical,CA:TRUE root
certificate x509-1 basicConstraints=CA:FALSE line
cat "$work/x509-1.pem" "$work/line.pem" >"$work/chain.pem"
shows() { echo --cert "$work/$1" --key "$work/x509-1.key"; }
refused x509-1 401 401002 'CA certificate not found.' '{"registrationId":"x509-1"}' $(shows chain.pem)
put /enrollmentGroups/sensors "{\"enrollmentGroupId\":\"sensors\",\"attestation\":{\"type\":\"x509\",\"x509\":{\"signingCertificates\":{
	\"primary\":{\"certificate\":$(jq -Rs . "$work/root.pem")}}}}}"
for tls in 1.2 1.3; do
	registers x509-1 '{"registrationId":"x509-1"}' $(shows chain.pem) "--tlsv$tls" --tls-max "$tls"
	has '.status == "assigned" and .registrationState.x509.enrollmentGroupId == "sensors"'
done
refused x509-1 401 401002 'CA certificate not found.' '{"registrationId":"x509-1"}' $(shows x509-1.pem)
refused x509-2 401 401002 'Invalid certificate.' '{"registrationId":"x509-2"}' $(shows chain.pem)
put /enrollments/x509-1 "{\"registrationId\":\"x509-1\",\"provisioningStatus\":\"disabled\",\"attestation\":{\"type\":\"x509\",\"x509\":{
	\"clientCertificates\":{\"primary\":{\"certificate\":$(jq -Rs . "$work/x509-1.pem")}}}}}"
registers x509-1 '{"registrationId":"x509-1"}' $(shows x509-1.pem)
has '.status == "disabled"'

# A TPM: what the 401 carries is activated, imported and used inside swtpm.
mkdir "$work/tpm"
swtpm socket --tpm2 --tpmstate dir="$work/tpm" --server type=unixio,path="$work/tpm/sock" --ctrl type=unixio,path="$work/tpm/sock.ctrl" \
	--flags not-need-init,startup-clear >"$work/swtpm.log" 2>&1 9>&- &
pids+=($!)
export TPM2TOOLS_TCTI="swtpm:path=$work/tpm/sock"
wait_for 20 test -S "$work/tpm/sock" || fail "no swtpm"
cd "$work/tpm" || exit 1
tpm() { # COMMAND...: swtpm has room for three objects
	expect 0 tpm2_flushcontext -t
	expect 0 "$@"
}
tpm tpm2_createek -Q -G rsa -c ek.ctx -u ek.pub
tpm tpm2_createprimary -Q -C o -G rsa2048:aes128cfb -g sha256 -c srk.ctx \
	-a 'fixedtpm|fixedparent|sensitivedataorigin|userwithauth|noda|restricted|decrypt'
tpm tpm2_readpublic -Q -c srk.ctx -o srk.pub
body="{\"registrationId\":\"tpm-1\",\"tpm\":{\"endorsementKey\":\"$(base64 -w0 ek.pub)\",\"storageRootKey\":\"$(base64 -w0 srk.pub)\"}}"
refused tpm-1 404 404201 'Enrollment not found.' "$body"
put /enrollments/tpm-1 "{\"registrationId\":\"tpm-1\",\"attestation\":{\"type\":\"tpm\",\"tpm\":{\"endorsementKey\":\"$(base64 -w0 ek.pub)\"}}}"

# activate BLOB-FILE NAME: the key inside becomes NAME.ctx. tpm2-tools put a magic number and a version before a credential.
activate() {
	{ printf '\xba\xdc\xc0\xde\0\0\0\1' && head -c 312 "$1"; } >"$2.credential"
	tail -c +313 "$1" | head -c 144 >"$2.duplicate"
	tail -c +457 "$1" | head -c 258 >"$2.seed"
	tail -c +715 "$1" | head -c 50 >"$2.public"
	tpm tpm2_startauthsession --policy-session -S session.ctx
	tpm tpm2_policysecret -Q -S session.ctx -c e
	tpm tpm2_activatecredential -Q -c srk.ctx -C ek.ctx -i "$2.credential" -o "$2.inner" -P session:session.ctx
	tpm tpm2_flushcontext session.ctx
	equal 16 "$(stat -c %s "$2.inner")" "length of the inner key"
	tpm tpm2_import -Q -C srk.ctx -G hmac -k "$2.inner" -i "$2.duplicate" -s "$2.seed" -u "$2.public" -r "$2.private"
	tpm tpm2_load -Q -C srk.ctx -u "$2.public" -r "$2.private" -c "$2.ctx"
}

# tpm_token ID CONTEXT: signed by the TPM
tpm_token() {
	local sr="$scope%2fregistrations%2f$1" se=$(($(date +%s) + 3600))
	printf '%s\n%s' "$sr" "$se" >message
	expect 0 tpm2_flushcontext -t
	tpm2_hmac -c "$2" -g sha256 -o mac message >/dev/null 2>"$errs" || fail "the TPM does not sign"
	echo "Authorization: SharedAccessSignature sr=$sr&sig=$(base64 -w0 mac | encode)&se=$se&skn=registration"
}

refused tpm-1 401 401002 'Authorization required' "$body"
has '.keyName == "registration"'
jq -r .authenticationKey "$out" | base64 -d >first.blob
equal 766 "$(stat -c %s first.blob)" "length of the activation blob"
activate first.blob first
authorization=$(tpm_token tpm-1 first.ctx)
registers tpm-1 "$body" -H "$authorization"
has '.status == "assigned" and (.registrationState.tpm.authenticationKey | length) == 1024'
jq -r .registrationState.tpm.authenticationKey "$out" | base64 -d >second.blob
activate second.blob second
refused tpm-1 401 401002 Unauthorized "$body" -H "$(tpm_token tpm-1 second.ctx)"
other=$(printf '%s' "$body" | sed 's/\("endorsementKey":".\{90\}\)..../\1AAAA/')
refused tpm-1 400 400004 'Endorsement key is invalid, or does not match the Enrollment.' "$other"
