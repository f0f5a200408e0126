#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# What a real Prometheus gets from the daemon, and what the daemon makes of those who ask otherwise.

set -u
# shellcheck source=tests/lab/lib.sh
. "$(dirname "$0")/lib.sh"

monitoring=$lab_top/monitoring

# metric LINE: there is such a line.
metric() {
	metrics_fetch | grep -Fqx -- "$1"
}

# http TEXT [ADDRESS PORT]: what is answered to these bytes (printf's escapes), its first line, and whether it is cut short.
# SAID=1: and no more is said, which TCP tells the other side.
http() {
	at_net mail $LAB_PYTHON -c '
import re, socket, sys
with socket.create_connection((sys.argv[2], int(sys.argv[3])), timeout=20) as s:
    try:
        s.sendall(sys.argv[1].encode("latin-1").decode("unicode_escape").encode("latin-1"))
    except OSError:
        pass
    if len(sys.argv) > 4:
        s.shutdown(socket.SHUT_WR)
    answer = b""
    try:
        while more := s.recv(65536):
            answer += more
    except OSError as error:
        answer = answer or str(error).encode()
head, _, body = answer.partition(b"\r\n\r\n")
length = re.search(rb"Content-Length: (\d+)", head)
cut = length and body and len(body) != int(length[1])
print(head.split(b"\r\n")[0].decode("latin-1") + (" cut short" if cut else ""))' "$1" "${2-127.0.0.1}" "${3-9525}" ${SAID:+"$SAID"} 2>&1
}

# prometheus ARGUMENT...: asks it, see prometheus.py.
prometheus() {
	at_net mail $LAB_PYTHON "$lab_here/prometheus.py" "$@"
}

# prometheus_start: with our rules; it scrapes each second.
prometheus_start() {
	mkdir "$LAB_DIR/prometheus"
	cat > "$LAB_DIR/prometheus.yml" <<- END
		global: { scrape_interval: 1s, scrape_timeout: 1s, evaluation_interval: 1s }
		rule_files: [ "$installed/mxload.rules.yml" ]
		scrape_configs: [ { job_name: mxload, static_configs: [ { targets: [ "127.0.0.1:9525" ] } ] } ]
	END
	spawn prometheus mail prometheus --config.file="$LAB_DIR/prometheus.yml" --storage.tsdb.path="$LAB_DIR/prometheus" \
		--web.listen-address=127.0.0.1:9090 --log.level=warn
	wait_for "Prometheus is ready" 30 metrics_fetch http://127.0.0.1:9090/-/ready || bail "$(cat "$LAB_DIR/prometheus.out")"
	wait_for "Prometheus has scraped" 30 equal "prometheus query 'up == 1'" 1
}

# answers: what the daemon says to mxload, as one document.
answers() {
	echo "{\"stats\": $(mx -j stats), \"quota\": $(mx -j quota), \"status\": $(mx -j status)}"
}

# agrees: what Prometheus has is what mxload shows.
agrees() {
	answers | prometheus compare
}

# alert NAME STATE [MORE]: Prometheus has such an alert (with these labels).
alert() {
	[ -n "$(prometheus query "ALERTS{alertname=\"$1\",alertstate=\"$2\"${3:+,$3}}")" ]
}

# mxrep_says REQUEST: as the reputation user.
mxrep_says() {
	like "mxrep: ${1:0:50}" "$(talk "$1"$'\n' 65534)" '"ok":true'
}

ok "promtool finds nothing wrong with the rules" promtool check rules "$monitoring/mxload.rules.yml"
ok "and each fires when it has to" promtool test rules "$monitoring/mxload.rules.test.yml"

lab_up
chmod 755 "$LAB_DIR"
ok "rules and dashboard are installed" env MAKEFLAGS= make -s -C "$lab_top" -o all install DESTDIR="$LAB_DIR/root"
installed=$LAB_DIR/root/usr/share/mxload
only_mx1='weights: { mx2 = 0; mx3 = 0; };'
lanes() {
	LAB_GOOGLE='limits = [ "20 connections/hour", "500 messages/day" ];' \
		LAB_MICROSOFT="concurrency = 1; $only_mx1 total-limits = [ \"1000 connections/day\" ];" \
		LAB_YAHOO="limits = [ \"2 connections/day\" ]; wait = 0; $only_mx1" \
		LAB_MX3='limits = [ "1000 messages/week" ]; warmup: { started = "2026-01-01"; schedule = "gentle"; };' \
		config_write 'reputation-user = "nobody";' "$@"
}

# --- an address that somebody else has

spawn squatter mail $LAB_PYTHON -c 'import socket, sys
s = socket.create_server(("127.0.0.1", 9525))
print("ready", flush=True)
s.accept()'
wait_for "somebody listens there" 5 grep -q ready "$LAB_DIR/squatter.out"
lanes
ok "the daemon starts where metrics cannot be served" daemon_start
warning='metrics: cannot listen on 127.0.0.1:9525: Address already in use: nobody is served'
is "status has one warning" "$(mx -j status | json 'd["warnings"]')" "[\"$warning\"]"
like "and connections are decided" "$(connect_tally mail -n 9 198.51.100.10)" "ok 9"
end squatter KILL 2> /dev/null
eventually "when the address is free, they are served" 20 metric 'mxload_warnings 0'
is "status has no warning any more" "$(mx -j status | json 'd["warnings"]')" "[]"
is "the log has it once" "$(daemon_log | grep -Fc "$warning")" 1

# --- something of everything

prometheus_start
live_open one mail 198.51.100.20 > /dev/null
spawn second mail $LAB_PYTHON "$lab_here/connect.py" -t 30 198.51.100.20
eventually "a connection that waits is told of" 10 metric 'mxload_held_connections{provider="microsoft"} 1'
live_close one
wait_for "it goes on" 20 grep -q '^done' "$LAB_DIR/second.out"
like "connections under a limit" "$(connect_tally mail -n 5 -f 1 198.51.100.30)" "ok 2 refused 3"
like "connections to nobody" "$(connect_tally mail -n 2 198.51.100.53)" "refused 2"
ok "an address is learned" mx learn 203.0.113.40 google
ok "messages are reported" mx settle mx1 google --connections 5 --messages 9 --sent 6 --deferred 2 --bounced 1
mxrep_says '{"command":"backoff","source":"mx2","provider":"yahoo","reason":"421 4.7.0"}'
mxrep_says '{"command":"factor","source":"mx2","provider":"google","factor":0.1}'
ok "an operator pauses a source" mx pause mx3
ok "and once more at a provider" mx pause mx3 microsoft
for address in 203.0.113.50 203.0.112.50; do
	mxrep_says "{\"command\":\"pause\",\"source\":\"mx1\",\"provider\":\"default\",\"to\":\"$address\"}"
done
# A listing makes the kernel look at what has expired.
over() {
	mx flows > /dev/null
	[ "$(mx_count - - failed) $(mx_count - - pending)" = "2 0" ]
}
eventually "connections are over" 60 over
eventually "Prometheus has what mxload stats, quota and status have" 20 agrees
is "all that rests, and by whom" "$(prometheus query mxload_resting)" "owner=mxrep provider=default source=mx1 state=paused 2
owner=mxrep provider=yahoo source=mx2 state=backing-off 1
owner=operator provider=microsoft source=mx3 state=paused 1
owner=operator source=mx3 state=paused 1"
is "a lane's state is one of three" "$(prometheus query 'mxload_lane_state{source="mx2",provider="yahoo"}')" \
	"provider=yahoo source=mx2 state=active 0
provider=yahoo source=mx2 state=backing-off 0
provider=yahoo source=mx2 state=paused 1"
is "of one that sends, too" "$(prometheus query 'mxload_lane_state{source="mx1",provider="google"}')" \
	"provider=google source=mx1 state=active 1
provider=google source=mx1 state=backing-off 0
provider=google source=mx1 state=paused 0"
is "connections that failed" "$(prometheus query 'sum(mxload_connections_total{outcome="failed"})')" 2
is "what was learned" "$(prometheus query mxload_learned_addresses)" "provider=google 1"
is "mode and engine" "$(prometheus query 'mxload_mode == 1 or mxload_engine == 1')" "engine=queue 1
mode=enforce 1"
is "each source and family has its address" "$(prometheus query 'count(mxload_source_usable == 1)')" 6
at mail ip addr del 192.0.2.13/32 dev eth0 2> /dev/null || at mail ip addr del 192.0.2.13/24 dev eth0
eventually "one that is taken away is told of" 10 metric 'mxload_source_usable{source="mx3",family="ipv4"} 0'
metrics_fetch > "$LAB_DIR/metrics"
ok "promtool finds nothing wrong with the metrics" test -z "$(promtool check metrics < "$LAB_DIR/metrics" 2>&1 || echo failed)"
ok "mxload-metrics(7) has the same names, types and labels" prometheus page "$lab_top/doc/mxload-metrics.7" < "$LAB_DIR/metrics"
nok "lanes with nothing to tell are not told of" grep -q 'source="mx3",provider="yahoo"' "$LAB_DIR/metrics"

# --- alerts and dashboard

is "Prometheus has all alerts, and evaluates them" "$(prometheus rules)" "$(grep -c -- '- alert:' "$monitoring/mxload.rules.yml")"
eventually "a source that mxrep lets rest is an alert" 20 alert MxloadSourceBlocked firing 'source="mx2",provider="yahoo",state="backing-off"'
nok "one that the operator lets rest is none" alert MxloadSourceBlocked firing 'source="mx3"'
eventually "a spammer's weight is one" 20 alert MxloadSourceIsSpammer firing 'source="mx2",provider="google"'
eventually "a limit that is used up soon will be" 20 alert MxloadLimitNear pending 'source="mx1",provider="yahoo",unit="connections",window="day"'
eventually "and an address that is not there" 20 alert MxloadSourceUnusable pending 'source="mx3",family="ipv4"'
is "and nothing else" "$(prometheus query 'count by (alertname) (ALERTS)' | sed 's/ .*//' | sort | paste -sd ' ')" \
	"alertname=MxloadLimitNear alertname=MxloadSourceBlocked alertname=MxloadSourceIsSpammer alertname=MxloadSourceUnusable alertname=MxloadWarnings"
mxrep_says '{"command":"resume","source":"mx2","provider":"yahoo"}'
resolved() {
	! alert MxloadSourceBlocked firing 'source="mx2"'
}
eventually "it ends with the rest" 20 resolved
mx pause mx2 yahoo > /dev/null
wait_for "the dashboard has data" 20 prometheus dashboard "$installed/grafana.json"
ok "every expression of the dashboard has data" prometheus dashboard "$installed/grafana.json"

# --- rude clients

like "an unknown path" "$(http 'GET / HTTP/1.1\r\n\r\n')" "^HTTP/1.1 404 "
like "a path behind it" "$(http 'GET /metrics/x HTTP/1.1\r\n\r\n')" "^HTTP/1.1 404 "
like "another method" "$(http 'POST /metrics HTTP/1.1\r\nContent-Length: 3\r\n\r\nabc')" "^HTTP/1.1 405 "
like "the head alone" "$(http 'HEAD /metrics HTTP/1.1\r\n\r\n')" "^HTTP/1.1 200 OK"
like "a query and a proxy's form" "$(http 'GET http://x:9525/metrics?x=y HTTP/1.0\r\n\r\n')" "^HTTP/1.1 200 OK"
like "no HTTP" "$(http 'EHLO x\r\n\r\n')" "^HTTP/1.1 400 "
like "another HTTP" "$(http 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n')" "^HTTP/1.1 400 "
like "nothing" "$(http '\r\n\r\n')" "^HTTP/1.1 400 "
like "bytes" "$(http '\x16\x03\x01\x00\xff\n\n')" "^HTTP/1.1 400 "
like "a head without end" "$(http "GET /metrics HTTP/1.1\\r\\nX: $(head -c 9000 /dev/zero | tr '\0' x)")" "^HTTP/1.1 431 "
like "more behind a request than is read" "$(http "GET /metrics HTTP/1.1\\r\\n\\r\\n$(head -c 30000 /dev/zero | tr '\0' x)")" "^HTTP/1.1 200 OK"

# Some that say nothing, half a line, or never read; those that hold on longest go first.
spawn rude mail $LAB_PYTHON -c '
import socket, time
held, said = [], [b"", b"GET /met", b"GET /metrics HTTP/1.1\r\n\r\n", b"GET /metrics HTTP/1.1\r\nX: "]
for n in range(400):
    s = socket.socket()
    s.setblocking(False)
    s.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1)
    s.connect_ex(("127.0.0.1", 9525))
    held.append(s)
for n, s in enumerate(held * 2):
    try:
        s.send(said[n % 4])
    except OSError:
        pass
print("held", flush=True)
time.sleep(1000)'
wait_for "400 clients hold on" 10 grep -q held "$LAB_DIR/rude.out"
like "meanwhile connections flow" "$(connect_tally mail -n 500 -t 5 203.0.113.50)" "ok 500"
ok "and who asks well is answered" metric 'mxload_generation 1'
descriptors() {
	find "/proc/$(daemon_pid)/fd" -lname 'socket:*' | wc -l
}
ok "there are few connections at a time" test "$(descriptors)" -le 60
end rude KILL 2> /dev/null
# A client that says nothing for ten seconds is gone, without anybody else who comes.
quiet() {
	at_net mail $LAB_PYTHON -c '
import socket
with socket.create_connection(("127.0.0.1", 9525), timeout=60) as s:
    s.sendall(b"GET /met")
    print(len(s.recv(1)))' 2>&1
}
is "who says half a line is hung up on" "$(quiet)" 0

# --- reload, restart

lanes 'metrics = "[::1]:9526";'
ok "a reload changes the address" mx reload
ok "metrics are at the new one" grep -q '^mxload_generation 2$' <(metrics_fetch 'http://[::1]:9526/metrics')
like "and not at the old one" "$(http 'GET /metrics HTTP/1.1\r\n\r\n')" "refused"
eventually "a daemon that does not answer will be an alert" 20 alert MxloadDown pending
lanes 'metrics = "192.0.2.99:9525";'
ok "a reload with an address that is not here is well" mx reload
like "and a warning" "$(mx -j status | json 'd["warnings"]')" "cannot listen on 192.0.2.99:9525: Cannot assign requested address"
lanes 'metrics = "";'
ok "there may be no metrics" mx reload
like "then nobody listens" "$(http 'GET /metrics HTTP/1.1\r\n\r\n' ::1 9526)" "refused"
is "which is no warning" "$(mx -j status | json '[w for w in d["warnings"] if "metrics" in w]')" "[]"
ok "mxloadd ends in order" daemon_stop
lanes
daemon_start
eventually "after a restart a lane whose limit is used up is told of, though nothing was sent" 10 \
	metric 'mxload_limit_used_connections{source="mx1",provider="yahoo",window="day"} 2'
ok "and what rests there" metric 'mxload_lane_state{source="mx2",provider="yahoo",state="paused"} 1'
ok "mxloadd ends in order, again" daemon_stop

# --- very many lanes: 101 x 100, each with a message

end prometheus
at mail sysctl -q net.ipv4.ip_nonlocal_bind=1
{
	printf '%s\n' "ledger = \"$LAB_DIR/ledger.db\"; control = \"$LAB_DIR/control.sock\"; catalogue = \"\";" 'sources: {'
	for ((i = 1; i <= 101; i++)); do echo "    s$i: { address = \"192.0.3.$i\"; };"; done
	echo '}; pools: { main: { members: {'
	for ((i = 1; i <= 101; i++)); do echo "    s$i = 1;"; done
	echo '}; }; }; providers: {'
	for ((i = 1; i <= 99; i++)); do echo "    p$i: { prefixes = [ \"100.64.$i.0/24\" ]; };"; done
	echo '}; routes = ( { pool = "main"; } );'
} > "$LAB_DIR/mxload.conf"
ok "a large policy starts" daemon_start
is "and has nothing to tell of a lane" "$(metrics_fetch | grep -c 'provider=')" 0
at mail $LAB_PYTHON -c '
import json, socket, sys
with socket.socket(socket.AF_UNIX) as s:
    s.connect(sys.argv[1])
    answers = s.makefile()
    for p in range(1, 101):
        for i in range(1, 102):
            s.sendall(json.dumps({"command": "settle", "source": f"s{i}", "provider": f"p{p}" if p < 100 else "default",
                                  "sent": 1}).encode() + b"\n")
            if not json.loads(answers.readline())["ok"]:
                sys.exit("refused")' "$LAB_DIR/control.sock" || fail "messages are reported"
began=$(now_ms)
metrics_fetch > "$LAB_DIR/metrics"
diag "the metrics of 10,000 lanes: $(wc -c < "$LAB_DIR/metrics") bytes, $(($(now_ms) - began)) ms"
is "10,000 lanes are told of" "$(grep -c '^mxload_messages_total{.*kind="sent"} 1$' "$LAB_DIR/metrics")" 10000
ok "and how many are not" grep -qx 'mxload_lanes_left_out 100' "$LAB_DIR/metrics"
is "who has only said all he had to say gets all of it" "$(SAID=1 http 'GET /metrics HTTP/1.1\r\n\r\n')" "HTTP/1.1 200 OK"
is "and who says more than is read" \
	"$(http "GET /metrics HTTP/1.1\\r\\n\\r\\n$(head -c 60000 /dev/zero | tr '\0' x)")" "HTTP/1.1 200 OK"
mx settle s1 p1 --connections 1 --messages 1 --sent 1 > /dev/null
metrics_fetch > "$LAB_DIR/again"
ok "a text that took long to make is not made again at once" cmp "$LAB_DIR/metrics" "$LAB_DIR/again"
ok "mxloadd ends in order at last" daemon_stop
done_testing
