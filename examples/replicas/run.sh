#!/usr/bin/env bash
# Two servers with one configuration in etcd, and an Envoy that keeps answering when one of them is killed.
#
#   npm run -s build && examples/replicas/run.sh
#
# Needs etcd, envoy and curl. ETCD and ENVOY name the programs if they are not in PATH. The ports are free ones from
# PORTS on (18200). Everything is below a temporary directory, and ends with the script.
set -euo pipefail
cd "$(dirname "$0")/../.."

xds() { node dist/cli/main.js "$@"; }
port() { echo $((${PORTS:-18200} + $1)); }
etcd_client=$(port 0) etcd_peer=$(port 1) edge=$(port 2) envoy_admin=$(port 3)
store=etcd://127.0.0.1:$etcd_client/demo

declare -A process # of each replica
work=$(mktemp -d)
export XDG_STATE_HOME=$work # xds keeps nothing elsewhere
ended() {
  # One that was killed has ended already.
  for one in $(jobs -p) "${process[@]}"; do kill "$one" 2>/dev/null || true; done
  wait
  for one in "${process[@]}"; do tail --pid "$one" -f /dev/null; done # `wait` does not know what was disowned
  rm -rf "$work"
}
trap ended EXIT

say() { printf '\n== %s\n' "$*"; }

# Repeats a command until it succeeds, for 30 seconds.
until_done() {
  for _ in $(seq 150); do
    if "$@" >/dev/null 2>&1; then return; fi
    sleep 0.2
  done
  echo "never succeeded: $*" >&2
  tail -n 5 "$work"/*.log >&2
  return 1
}

# The configuration: a listener whose every answer is the text.
write_config() {
  mkdir -p "$work/config"
  cat >"$work/config/edge.yaml" <<YAML
resources:
  - "@type": type.googleapis.com/envoy.config.listener.v3.Listener
    name: edge
    address: { socket_address: { address: 127.0.0.1, port_value: $edge } }
    filter_chains:
      - filters:
          - name: envoy.filters.network.http_connection_manager
            typed_config:
              "@type": type.googleapis.com/envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager
              stat_prefix: edge
              rds: { route_config_name: edge, config_source: { ads: {}, resource_api_version: V3 } }
              http_filters:
                - name: envoy.filters.http.router
                  typed_config: { "@type": type.googleapis.com/envoy.extensions.filters.http.router.v3.Router }
  - "@type": type.googleapis.com/envoy.config.route.v3.RouteConfiguration
    name: edge
    virtual_hosts:
      - name: all
        domains: ["*"]
        routes:
          - match: { prefix: / }
            direct_response: { status: 200, body: { inline_string: "$1" } }
YAML
}
publish() {
  write_config "$1"
  xds publish "$work/config" --store "$store" -m "$1" "${@:2}"
}
answer() { curl -sS --max-time 5 "http://127.0.0.1:$edge/"; }
answers() { [ "$(answer)" = "$1" ]; }

say "etcd starts"
"${ETCD:-etcd}" --data-dir "$work/etcd" --listen-client-urls "http://127.0.0.1:$etcd_client" \
  --advertise-client-urls "http://127.0.0.1:$etcd_client" --listen-peer-urls "http://127.0.0.1:$etcd_peer" \
  >"$work/etcd.log" 2>&1 &

say "the first revision is published"
until_done curl -sf "http://127.0.0.1:$etcd_client/health"
publish "first"

# Each replica has a gRPC port and an admin port.
declare -A grpc=([a]=$(port 4) [b]=$(port 6)) admin=([a]=$(port 5) [b]=$(port 7))
start_replica() {
  node dist/cli/main.js serve --store "$store" --state-dir "$work/state-$1" \
    --port "${grpc[$1]}" --rest-port off --admin-port "${admin[$1]}" >"$work/replica-$1.log" 2>&1 &
  process[$1]=$!
  disown # bash does not report that it was killed
}
is_ready() { curl -sf "http://127.0.0.1:${admin[$1]}/ready"; }
has_envoy() { curl -sf "http://127.0.0.1:${admin[$1]}/clients" | grep -q edge-1; }

say "two replicas start"
start_replica a
start_replica b
until_done is_ready a
until_done is_ready b

say "an Envoy connects to one of them"
xds bootstrap --server "127.0.0.1:${grpc[a]}" --replica "127.0.0.1:${grpc[b]}" --node-id edge-1 \
  --admin-port "$envoy_admin" >"$work/bootstrap.yaml"
"${ENVOY:-envoy}" -c "$work/bootstrap.yaml" --use-dynamic-base-id >"$work/envoy.log" 2>&1 &
until_done answers "first"
answer
echo
first=a second=b
has_envoy a || { first=b && second=a; }
echo "it is connected to replica $first"

say "replica $first is killed, while the Envoy answers requests"
(
  failed=0
  for _ in $(seq 200); do
    answer >/dev/null || failed=$((failed + 1))
    sleep 0.02
  done
  echo "$failed of 200 requests failed"
) >"$work/load.log" 2>&1 &
load=$!
kill -9 "${process[$first]}"
wait "$load"
cat "$work/load.log"
grep -q "^0 of 200 requests failed$" "$work/load.log"
until_done has_envoy "$second"
echo "the Envoy is connected to replica $second"

say "a second revision is published, and arrives"
publish "second" --wait
until_done answers "second"
answer
echo

say "replica $first comes back"
start_replica "$first"
until_done is_ready "$first"
xds history --store "$store"
