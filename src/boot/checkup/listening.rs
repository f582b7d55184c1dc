//! What `doorstep doctor` looks at of the listeners.

use super::{Finding, Health};
use crate::config::{Mode, Settings, TlsFaces};

/// Without TLS of our own something in front ends it, since Prelude calls by https only. If nobody says what that is, everybody
/// behind it is one client, and the limits cannot tell Prelude from whoever floods.
pub(super) fn proxies(settings: &Settings) -> Finding {
    const SUBJECT: &str = "proxies";
    let server = &settings.server;
    let fine = |words: String| Finding::new(Health::Fine, SUBJECT, words);
    if !server.trusted_proxies.is_empty() {
        return fine(format!(
            "{} networks are believed (server.trusted_proxies)",
            server.trusted_proxies.len()
        ));
    }
    let ends_tls = server.tls_certificate_file.is_some() && server.tls_faces != TlsFaces::Private;
    if ends_tls {
        return fine("none is believed: TLS ends here. Name one that passes connections on as calls (server.trusted_proxies)".into());
    }
    if settings.mode == Mode::Development {
        return fine("none is believed (server.trusted_proxies)".into());
    }
    let where_ = if server.bind.ip().is_loopback() { "on this machine" } else { "in front" };
    let words = format!(
        "whatever ends TLS {where_} is not named, so all who come through it count as one client: name it in server.trusted_proxies"
    );
    Finding::new(Health::Doubtful, SUBJECT, words)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::{LoadRequest, Override, load};

    fn check(settings: &[(&'static str, &str)], expected: Health, says: &str) {
        let all = [("prelude.app_id", "acme")].iter().chain(settings);
        let overrides =
            all.map(|(key, text)| Override { key, text: (*text).to_owned(), flag: "test" }).collect();
        let settings = load(LoadRequest { file: None, environment: std::iter::empty(), overrides });
        let found = proxies(&settings.expect("settings"));
        assert_eq!(found.health, expected, "{}", found.words);
        assert!(found.words.contains(says), "{}", found.words);
    }

    #[test]
    fn a_proxy_that_must_be_there_and_is_not_named_is_doubtful() {
        check(&[], Health::Doubtful, "on this machine");
        check(&[("server.bind", "0.0.0.0:8080")], Health::Doubtful, "in front");
        check(&[("server.trusted_proxies", "127.0.0.1,::1")], Health::Fine, "2 networks");
        check(&[("mode", "development")], Health::Fine, "none is believed");
        let own = [("server.tls_certificate_file", "c.pem"), ("server.tls_key_file", "k.pem")];
        check(&own, Health::Fine, "TLS ends here");
        let private =
            [own[0], own[1], ("server.private_bind", "127.0.0.1:1"), ("server.tls_faces", "private")];
        check(&private, Health::Doubtful, "on this machine");
    }
}
