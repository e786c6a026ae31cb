# Shared by the interop tests: Microsoft's SDKs under node, unmodified, against the emulated service.
#
# PACKAGES is the folder that install.sh filled.
: "${PACKAGES:?the folder with the SDKs}"
interop=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
if [ ! -e "$PACKAGES/node_modules/installed" ]; then
	echo "Microsoft's packages are not installed: see the test interop/install"
	exit 77
fi
. "$interop/../flow/lib.sh"

# sdk SCRIPT ARGS...: a script of this folder, with the SDKs, against the service of $service_json
sdk() {
	local script=$1
	shift
	expect 0 env NODE_PATH="$PACKAGES/node_modules" NODE_EXTRA_CA_CERTS="$(jq -r .caFile "$service_json")" \
		DPS_JSON="$service_json" WORK="$work" HTTPS_PORT="$(jq -r .port "$service_json")" \
		MQTT_PORT="$(jq -r '.mqttPort // empty' "$service_json")" \
		node --no-deprecation -r "$interop/redirect.js" "$interop/$script" "$@"
	cat "$out"
}
