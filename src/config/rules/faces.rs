//! Which listeners and certificates exclude each other, or need each other.

use std::net::SocketAddr;

use crate::config::fault::{Code, Fault};
use crate::config::layers::Merged;
use crate::config::option::AnyOption;
use crate::config::options::server as o;
use crate::config::shape::Wrong;
use crate::config::values::TlsFaces;

/// Tells what is wrong with listeners and certificates taken together.
pub(super) fn faults(merged: &Merged) -> Vec<Fault> {
    let mut faults = Vec::new();
    faults.extend(same_place(merged));
    faults.extend(alone(merged, (&o::TLS_CERTIFICATE_FILE, &o::TLS_KEY_FILE)));
    faults.extend(alone(merged, (&o::TLS_KEY_FILE, &o::TLS_CERTIFICATE_FILE)));
    faults.extend(tls_nowhere(merged));
    faults.extend(faces_without_certificate(merged));
    faults
}

/// Two listeners cannot have one port of one address, and a face that is reached on the other's port is no face of its own.
fn same_place(merged: &Merged) -> Option<Fault> {
    let (public, private) = (merged.get(&o::BIND)?, merged.get(&o::PRIVATE_BIND)?);
    if !overlap(public, private) {
        return None;
    }
    let wrong = Wrong::impossible(
        "is the same address and port as server.bind, so the two faces would be one",
        "give it another port or address, or leave it out to have everything on server.bind",
    );
    fault(merged, &o::PRIVATE_BIND, wrong)
}

fn overlap(one: SocketAddr, other: SocketAddr) -> bool {
    let everywhere = one.ip().is_unspecified() || other.ip().is_unspecified();
    let same = one.ip().to_canonical() == other.ip().to_canonical();
    // Port 0 takes a free one each time.
    one.port() == other.port() && one.port() != 0 && (same || everywhere)
}

/// A certificate without its key, or a key without its certificate.
fn alone(merged: &Merged, (given, needed): (&dyn AnyOption, &dyn AnyOption)) -> Option<Fault> {
    if merged.winner(needed.key()).is_some() {
        return None;
    }
    let message = format!("is set and {} is not", needed.key());
    fault(merged, given, Wrong::new(Code::Missing, message, "set both, or neither to serve plain http"))
}

/// TLS on a listener that there is none of would be plain http on the one that there is.
fn tls_nowhere(merged: &Merged) -> Option<Fault> {
    let private_only = merged.get(&o::TLS_FACES)? == TlsFaces::Private;
    if !private_only || merged.winner(o::PRIVATE_BIND.key).is_some() {
        return None;
    }
    let wrong = Wrong::impossible(
        "is the face of server.private_bind, which is not set",
        "set server.private_bind, or write \"both\"",
    );
    fault(merged, &o::TLS_FACES, wrong)
}

/// Whoever says where TLS is served wants TLS; without a certificate all of it would be plain http.
fn faces_without_certificate(merged: &Merged) -> Option<Fault> {
    let (certificate, key) = (o::TLS_CERTIFICATE_FILE.key, o::TLS_KEY_FILE.key);
    if merged.winner(certificate).is_some() || merged.winner(key).is_some() {
        return None;
    }
    let message = format!("is set, and {certificate} and {key} are not: plain http would be served");
    let wrong = Wrong::new(Code::Missing, message, "set both files, or leave it out to serve plain http");
    fault(merged, &o::TLS_FACES, wrong)
}

fn fault(merged: &Merged, option: &dyn AnyOption, wrong: Wrong) -> Option<Fault> {
    Some(Fault::at(option.key(), &merged.winner(option.key())?.value_at, wrong))
}
