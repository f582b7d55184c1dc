//! Where traces go.

use std::path::PathBuf;

use crate::config::option::{Absent, Opt};
use crate::config::shape::{Integer, Text};
use crate::config::values::{HttpUrl, path};

pub(in crate::config) static ENDPOINT: Opt<Text<HttpUrl>> = Opt {
    key: "tracing.endpoint",
    doc: "Where an OpenTelemetry collector takes traces: OTLP over HTTP, in protobuf. Without it there are none, and they cost \
          nothing. Plain http is for a collector on this machine.",
    absent: Absent::Otherwise {
        words: "no traces",
        example: Some("https://collector.acme.example:4318/v1/traces"),
    },
    shape: Text { name: "https URL", read: HttpUrl::parse },
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

pub(in crate::config) static SAMPLED_PERCENT: Opt<Integer> = Opt {
    key: "tracing.sampled_percent",
    doc: "Of a hundred traces that begin here, how many are collected. A request that belongs to its caller's trace is collected \
          where the caller collects it, once the caller has shown a signature or an API key.",
    absent: Absent::Default("10"),
    shape: Integer { min: 0, max: 100 },
};
