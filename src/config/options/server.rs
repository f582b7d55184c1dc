//! The HTTP server: where it listens, and what whoever calls may take of it.

use std::net::SocketAddr;
use std::path::PathBuf;

use ipnet::IpNet;

use crate::config::option::{Absent, AnyOption, Opt};
use crate::config::shape::{Choice, Integer, List, Span, Text};
use crate::config::values::{TlsFaces, network, path, socket_address};

pub(super) static ALL: [&dyn AnyOption; 27] = [
    &BIND,
    &PRIVATE_BIND,
    &TLS_CERTIFICATE_FILE,
    &TLS_KEY_FILE,
    &TLS_FACES,
    &WORKERS,
    &CONNECTIONS_MAX,
    &CLIENT_CONNECTIONS_MAX,
    &IN_FLIGHT_MAX,
    &HEAD_BYTES_MAX,
    &BODY_BYTES_MAX,
    &CALLBACK_BODY_BYTES_MAX,
    &TLS_HANDSHAKE_DEADLINE,
    &HEADER_DEADLINE,
    &BODY_DEADLINE,
    &REQUEST_DEADLINE,
    &KEEP_ALIVE,
    &SILENCE_DEADLINE,
    &SHUTDOWN_LEAD,
    &SHUTDOWN_DEADLINE,
    &WAITERS_MAX,
    &TRUSTED_PROXIES,
    &OPEN_REQUESTS,
    &KEY_SET_REQUESTS,
    &FAILED_SIGNATURES,
    &FAILED_API_KEYS,
    &FAILURES,
];

pub(in crate::config) static BIND: Opt<Text<SocketAddr>> = Opt {
    key: "server.bind",
    doc: "The address and port to listen on. Port 0 takes a free one.",
    absent: Absent::Default("127.0.0.1:8080"),
    shape: Text { name: "IP address and port", read: socket_address },
};

pub(in crate::config) static PRIVATE_BIND: Opt<Text<SocketAddr>> = Opt {
    key: "server.private_bind",
    doc: "Another address and port, for your own systems only. With it `server.bind` has what the internet must reach (the hook, \
          callbacks, the key set) and nothing else, and this one has the rest: the API, `/healthz`, `/readyz` and `/metrics`. Each \
          has `workers` threads and `connections_max` connections.",
    absent: Absent::Otherwise { words: "everything is on `server.bind`", example: Some("10.0.0.5:8081") },
    shape: Text { name: "IP address and port", read: socket_address },
};

pub(in crate::config) static TLS_CERTIFICATE_FILE: Opt<Text<PathBuf>> = Opt {
    key: "server.tls_certificate_file",
    doc: "A PEM file with a certificate and the chain to its authority, in that order: TLS 1.2 and 1.3 are served then, and no \
          plain http. A renewed certificate is in force within a few seconds, without a restart; one that is not to be used leaves \
          the one before in force. Without it, TLS is the business of what stands in front.",
    absent: Absent::Otherwise { words: "no TLS", example: Some("/etc/doorstep/tls/fullchain.pem") },
    shape: Text { name: "path", read: path },
};

pub(in crate::config) static TLS_KEY_FILE: Opt<Text<PathBuf>> = Opt {
    key: "server.tls_key_file",
    doc: "A PEM file with the certificate's private key, not encrypted.",
    absent: Absent::Otherwise { words: "no TLS", example: Some("/etc/doorstep/tls/privkey.pem") },
    shape: Text { name: "path", read: path },
};

pub(in crate::config) static TLS_FACES: Opt<Choice<TlsFaces>> = Opt {
    key: "server.tls_faces",
    doc: "Where TLS is served: on `server.bind` (`public`), on `server.private_bind` (`private`), or on `both`. Only with a certificate.",
    absent: Absent::Otherwise { words: "`both`", example: Some("public") },
    shape: Choice {
        words: &[("both", TlsFaces::Both), ("public", TlsFaces::Public), ("private", TlsFaces::Private)],
    },
};

pub(in crate::config) static WORKERS: Opt<Integer> = Opt {
    key: "server.workers",
    doc: "Threads that serve requests.",
    absent: Absent::Otherwise { words: "one for each core", example: Some("2") },
    shape: Integer { min: 1, max: 1024 },
};

pub(in crate::config) static CONNECTIONS_MAX: Opt<Integer> = Opt {
    key: "server.connections_max",
    doc: "Connections open at once, of each listener; more wait until one closes. Strangers can have each take 136 KiB of memory \
          (docs/OPERATIONS.md, \"Capacity\").",
    absent: Absent::Default("1200"),
    shape: Integer { min: 1, max: 1_000_000 },
};

pub(in crate::config) static CLIENT_CONNECTIONS_MAX: Opt<Integer> = Opt {
    key: "server.client_connections_max",
    doc: "Connections of `connections_max` that one client may have; one more is closed at once. A client is an IPv4 address or an \
          IPv6 /64; one that signed well or had a good API key within a day may have all there are, and so may `trusted_proxies`.",
    absent: Absent::Otherwise { words: "a quarter of `connections_max`", example: Some("300") },
    shape: Integer { min: 1, max: 1_000_000 },
};

pub(in crate::config) static BODY_BYTES_MAX: Opt<Integer> = Opt {
    key: "server.body_bytes_max",
    doc: "The longest request body, in bytes. Prelude's calls are a few hundred bytes long.",
    absent: Absent::Default("65536"),
    shape: Integer { min: 1024, max: 1_048_576 },
};

pub(in crate::config) static HEADER_DEADLINE: Opt<Span> = Opt {
    key: "server.header_deadline",
    doc: "How long a client may take to send the first request's head.",
    absent: Absent::Default("5s"),
    shape: Span { min: "100ms", max: "1m" },
};

pub(in crate::config) static TLS_HANDSHAKE_DEADLINE: Opt<Span> = Opt {
    key: "server.tls_handshake_deadline",
    doc: "How long a client may take for the TLS handshake, where TLS is served.",
    absent: Absent::Default("2s"),
    shape: Span { min: "100ms", max: "1m" },
};

pub(in crate::config) static KEEP_ALIVE: Opt<Span> = Opt {
    key: "server.keep_alive",
    doc: "How long a connection may be idle between two requests. What stands in front must give it up sooner, or it may send a call \
          into a connection that is just being closed.",
    absent: Absent::Default("5s"),
    shape: Span { min: "100ms", max: "5m" },
};

pub(in crate::config) static SILENCE_DEADLINE: Opt<Span> = Opt {
    key: "server.silence_deadline",
    doc: "How long a connection may be open while no request of it is worked on, whatever it sends or reads meanwhile: for a further \
          request's head, for the rest of a body that was refused, and for reading an answer. Then it is cut. Longer than \
          `keep_alive`.",
    absent: Absent::Otherwise { words: "`keep_alive` and `header_deadline` together", example: Some("10s") },
    shape: Span { min: "200ms", max: "10m" },
};

pub(in crate::config) static BODY_DEADLINE: Opt<Span> = Opt {
    key: "server.body_deadline",
    doc: "How long a client may take to send a request's body, from its head on.",
    absent: Absent::Default("2s"),
    shape: Span { min: "100ms", max: "1m" },
};

pub(in crate::config) static REQUEST_DEADLINE: Opt<Span> = Opt {
    key: "server.request_deadline",
    doc: "How long a hook call may take, from its head to its answer. Prelude gives up after 5 s, so a call that is \
          still here by then is answered 503 instead.",
    absent: Absent::Default("2s"),
    shape: Span { min: "100ms", max: "4500ms" },
};

pub(in crate::config) static SHUTDOWN_LEAD: Opt<Span> = Opt {
    key: "server.shutdown_lead",
    doc: "How long calls are still taken after SIGTERM, while `/readyz` says 503 and every answer closes its connection: as long as what \
          stands in front needs to look elsewhere. With a proxy that asks `/readyz` every second, \"5s\" is enough.",
    absent: Absent::Default("0s"),
    shape: Span { min: "0s", max: "1m" },
};

pub(in crate::config) static SHUTDOWN_DEADLINE: Opt<Span> = Opt {
    key: "server.shutdown_deadline",
    doc: "How long requests in progress may go on after SIGTERM, and after `server.shutdown_lead`.",
    absent: Absent::Default("30s"),
    shape: Span { min: "1s", max: "10m" },
};

pub(in crate::config) static WAITERS_MAX: Opt<Integer> = Opt {
    key: "server.waiters_max",
    doc: "Callers that may wait for news of verifications at once; one more is answered 503.",
    absent: Absent::Default("1000"),
    shape: Integer { min: 0, max: 100_000 },
};

pub(in crate::config) static CALLBACK_BODY_BYTES_MAX: Opt<Integer> = Opt {
    key: "server.callback_body_bytes_max",
    doc: "The longest body of an identity-check provider's call, and of a batch of Prelude's events, in bytes: both are \
          longer than hook calls.",
    absent: Absent::Default("524288"),
    shape: Integer { min: 1024, max: 4_194_304 },
};

pub(in crate::config) static IN_FLIGHT_MAX: Opt<Integer> = Opt {
    key: "server.in_flight_max",
    doc: "Calls that may be worked on at once; one more is answered 503 at once. A call counts once its body is here and, \
          where it needs an API key, from then on; one that waits for news counts in `waiters_max` alone.",
    absent: Absent::Default("2048"),
    shape: Integer { min: 1, max: 1_000_000 },
};

pub(in crate::config) static HEAD_BYTES_MAX: Opt<Integer> = Opt {
    key: "server.head_bytes_max",
    doc: "The longest head of a request, its address and headers together, in bytes. More than 96 headers are refused \
          whatever stands here.",
    absent: Absent::Default("16384"),
    shape: Integer { min: 1024, max: 131_072 },
};

pub(in crate::config) static TRUSTED_PROXIES: Opt<List<IpNet>> = Opt {
    key: "server.trusted_proxies",
    doc: "The networks of your own proxies and load balancers. A request from one of them counts for the rightmost address in \
          `X-Forwarded-For` that is not theirs; nobody else's `X-Forwarded-For` is looked at. Without it everybody behind a \
          proxy is one client.",
    absent: Absent::Otherwise { words: "none", example: Some("[\"10.0.0.0/8\", \"2001:db8::/32\"]") },
    shape: List { name: "networks such as `10.0.0.0/8`, or addresses", read: network },
};

pub(in crate::config) static OPEN_REQUESTS: Opt<Integer> = Opt {
    key: "server.open_requests_per_second",
    doc: "Requests a second that a client may send to `/openapi.json` and to addresses that lead nowhere. Ten seconds' worth may \
          come at once; more are answered 429. A client is an IPv4 address or an IPv6 /64; one that signed well or had a good API key \
          within a day is not counted. `/healthz`, `/readyz` and `/metrics` may be asked for without end.",
    absent: Absent::Default("100"),
    shape: Integer { min: 1, max: 1_000_000 },
};

pub(in crate::config) static KEY_SET_REQUESTS: Opt<Integer> = Opt {
    key: "server.key_set_requests_per_second",
    doc: "The same for our key set, `/.well-known/jwks.json`.",
    absent: Absent::Default("2000"),
    shape: Integer { min: 1, max: 1_000_000 },
};

pub(in crate::config) static FAILED_SIGNATURES: Opt<Integer> = Opt {
    key: "server.failed_signatures_per_minute",
    doc: "Wrong signatures a minute that a client may send before all others come first: of `failures_per_second_max` it gets \
          what they leave, and beyond that its calls are answered 429 without a look. A client that signed well within a day \
          is never refused.",
    absent: Absent::Default("60"),
    shape: Integer { min: 1, max: 1_000_000 },
};

pub(in crate::config) static FAILED_API_KEYS: Opt<Integer> = Opt {
    key: "server.failed_api_keys_per_minute",
    doc: "The same for API keys.",
    absent: Absent::Default("30"),
    shape: Integer { min: 1, max: 1_000_000 },
};

pub(in crate::config) static FAILURES: Opt<Integer> = Opt {
    key: "server.failures_per_second_max",
    doc: "Wrong signatures a second that are looked at from all clients together that did not sign well within a day, and as \
          many wrong API keys.",
    absent: Absent::Default("1000"),
    shape: Integer { min: 2, max: 1_000_000 },
};
