//! Where traces go.

use std::path::PathBuf;

use crate::config::option::{Absent, Opt};
use crate::config::shape::{Choice, Integer, List, Secret, Text};
use crate::config::values::{HttpUrl, TraceCompression, TraceHeaders, attribute, collector, path};

pub(in crate::config) static ENDPOINT: Opt<Text<HttpUrl>> = Opt {
    key: "tracing.endpoint",
    doc: "Where an OpenTelemetry collector takes traces: OTLP over HTTP, in protobuf. Without it there are none, and they cost \
          nothing. Without a path it is `/v1/traces` there; one with a path is taken as it stands. Plain http is for a collector on \
          this machine.",
    absent: Absent::Otherwise { words: "no traces", example: Some("https://collector.acme.example:4318") },
    shape: Text { name: "https URL without a query", read: collector },
};

pub(in crate::config) static CA_FILE: Opt<Text<PathBuf>> = Opt {
    key: "tracing.ca_file",
    doc: "A PEM file of certificate authorities to trust besides the system's when traces are sent.",
    absent: Absent::Otherwise {
        words: "the system's authorities",
        example: Some("/etc/doorstep/collector-ca.pem"),
    },
    shape: Text { name: "path", read: path },
};

pub(in crate::config) static HEADERS: Opt<Secret<TraceHeaders>> = Opt {
    key: "tracing.headers",
    doc: "Headers that go with every batch, such as what proves to the collector who we are: `authorization=Bearer%20…`. In a value `%` \
          and two hexadecimal digits stand for a character. It may stand in the environment only.",
    absent: Absent::Otherwise { words: "none", example: None },
    shape: Secret(Text {
        name: "`name=value`, 1 to 16, with commas between them",
        read: TraceHeaders::parse,
    }),
};

pub(in crate::config) static HEADERS_FILE: Opt<Text<PathBuf>> = Opt {
    key: "tracing.headers_file",
    doc: "A file that holds the headers, on one line.",
    absent: Absent::Otherwise { words: "none", example: Some("/run/secrets/doorstep-collector-headers") },
    shape: Text { name: "path", read: path },
};

pub(in crate::config) static COMPRESSION: Opt<Choice<TraceCompression>> = Opt {
    key: "tracing.compression",
    doc: "How batches are packed. `gzip` makes them smaller and costs CPU: it is for a collector that is not in the same \
          building.",
    absent: Absent::Default("none"),
    shape: Choice { words: &[("none", TraceCompression::None), ("gzip", TraceCompression::Gzip)] },
};

pub(in crate::config) static SAMPLED_PERCENT: Opt<Integer> = Opt {
    key: "tracing.sampled_percent",
    doc: "Of a hundred traces that begin here, how many are collected. A request that belongs to its caller's trace is collected \
          where the caller collects it, once the caller has shown a signature or an API key.",
    absent: Absent::Default("10"),
    shape: Integer { min: 0, max: 100 },
};

pub(in crate::config) static ATTRIBUTES: Opt<List<(Box<str>, Box<str>)>> = Opt {
    key: "tracing.attributes",
    doc: "What every trace says of this process besides `service.name`, `service.version` and `service.instance.id`, a random one; \
          one of these replaces ours. Attributes of a resource, as OpenTelemetry's semantic conventions name them.",
    absent: Absent::Otherwise {
        words: "nothing more",
        example: Some("[\"deployment.environment.name=production\"]"),
    },
    shape: List { name: "`name=value`", read: attribute },
};
