#include "daemon/inner.h"
#include "daemon/clock.h"

static const struct {
	const char *name, *help;
} counters[KITH_N_COUNT_] = {
	[KITH_N_REQUESTS] = { "http_requests", "HTTP requests" },
	[KITH_N_ERRORS_4XX] = { "http_client_errors", "HTTP answers 400 to 499" },
	[KITH_N_ERRORS_5XX] = { "http_server_errors", "HTTP answers 500 to 599" },
	[KITH_N_READS] = { "calls_read", "calls answered from a snapshot" },
	[KITH_N_READ_US] = { "calls_read_microseconds", "time that these took" },
	[KITH_N_WRITES] = { "calls_write", "calls passed to the engine" },
	[KITH_N_RATE_LIMITED] = { "rate_limited", "calls refused by a rate" },
	[KITH_N_UNAUTHORIZED] = { "unauthorized", "calls without a session that needed one" },
	[KITH_N_HASHES_REFUSED] = { "hashes_refused", "passwords not hashed since too many waited" },
	[KITH_N_WS_OPENED] = { "websockets_opened", "WebSockets opened" },
	[KITH_N_WS_CLOSED] = { "websockets_closed", "WebSockets closed" },
	[KITH_N_WS_MESSAGES] = { "websocket_messages", "messages from WebSockets" },
	[KITH_N_WS_MALFORMED] = { "websocket_malformed", "messages from WebSockets that were no request" },
	[KITH_N_PUSHES] = { "pushes", "notifications sent" },
	[KITH_N_SLOW_READS] = { "slow_reads", "reads that took more than 50 ms" },
	[KITH_N_LINKS_UP] = { "links_up", "links to peers made" },
	[KITH_N_LINKS_DOWN] = { "links_down", "links to peers lost" },
	[KITH_N_DIALS] = { "dials", "attempts to reach a peer" },
	[KITH_N_DIALS_FAILED] = { "dials_failed", "attempts to reach a peer that failed" },
	[KITH_N_FRAMES_IN] = { "frames_in", "frames from peers" },
	[KITH_N_FRAMES_OUT] = { "frames_out", "frames to peers" },
	[KITH_N_BYTES_IN] = { "link_bytes_in", "bytes from peers" },
	[KITH_N_BYTES_OUT] = { "link_bytes_out", "bytes to peers" },
	[KITH_N_UPLOADS] = { "uploads", "files brought by clients" },
	[KITH_N_DOWNLOADS] = { "downloads", "files given to clients" },
	[KITH_N_PAUSES] = { "pauses", "times that a connection or link was read no further for a while" },
};

static void
put(struct kith_buf *out, const char *name, const char *type, const char *help, uint64_t v)
{
	const char *total = type[0] == 'c' ? "_total" : "";

	kith_buf_printf(out, "# HELP kith_%s%s %s\n# TYPE kith_%s%s %s\nkith_%s%s %llu\n", name, total, help, name, total, type, name, total,
	    (unsigned long long)v);
}

void
kith_metrics_write(struct kith_edges *s, struct kith_buf *out)
{
	struct kith_machine_counters m;
	uint64_t clients, websockets, links, refused, peers_refused;
	unsigned total, strangers;

	kith_machine_counters(s->machine, &m);
	kith_edges_sizes(s, &clients, &websockets, &links);
	kith_gate_count(s->gate, &total, &strangers, &refused);
	put(out, "uptime_seconds", "gauge", "seconds since the start", (kith_mono_ms() - s->started_ms) / 1000);
	put(out, "connections", "gauge", "open connections of clients", total);
	put(out, "connections_strangers", "gauge", "of these, those not signed in", strangers);
	put(out, "connections_refused", "counter", "connections of clients turned away at the door", refused);
	kith_gate_count(s->peer_gate, &total, &strangers, &peers_refused);
	put(out, "peer_connections_refused", "counter", "connections of peers turned away at the door", peers_refused);
	put(out, "websockets", "gauge", "open WebSockets", websockets);
	put(out, "links", "gauge", "links to peers", links);
	put(out, "read_only", "gauge", "1 while the disk is full", kith_machine_is_read_only(s->machine));
	put(out, "engine_batches", "counter", "transactions of the engine", m.batches);
	put(out, "engine_batches_failed", "counter", "transactions that were given up", m.failed_batches);
	put(out, "engine_inputs", "counter", "inputs of the engine", m.inputs);
	put(out, "engine_outputs", "counter", "outputs of the engine", m.outputs);
	put(out, "engine_largest_batch", "gauge", "most inputs in one transaction", m.largest_batch);
	put(out, "engine_waiting", "gauge", "inputs that wait", m.waiting);
	put(out, "engine_waiting_bytes", "gauge", "their bytes", m.waiting_bytes);
	put(out, "engine_refused_busy", "counter", "inputs refused since too many waited", m.refused_busy);
	put(out, "engine_refused_full", "counter", "inputs refused since the disk was full", m.refused_full);
	put(out, "frames_checked_ahead", "counter", "frames whose signatures were checked while they waited", atomic_load(&s->ahead.frames));
	put(out, "frames_not_checked_ahead", "counter", "frames that waited and found no thread free for that", atomic_load(&s->ahead.dropped));
	put(out, "commit_microseconds", "counter", "time spent in commits", m.commit_us);
	put(out, "disk_bytes", "gauge", "size of the disk", m.disk_total);
	put(out, "disk_free_bytes", "gauge", "room on the disk", m.disk_free);
	put(out, "map_bytes", "gauge", "size of the store's map", m.map_size);
	put(out, "map_used_bytes", "gauge", "how much of it is used", m.map_used);
	for (int i = 0; i < KITH_N_COUNT_; i++) {
		uint64_t v = 0;

		for (size_t k = 0; k < s->n; k++)
			v += kith_edge_counter(s->v[k], (enum kith_edge_count)i);
		put(out, counters[i].name, "counter", counters[i].help, v);
	}
}
