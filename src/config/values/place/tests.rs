use super::*;

#[test]
fn an_application_id_is_a_host_label() {
    for text in ["a", "acme", "acme-2", "0", &"a".repeat(63)] {
        assert_eq!(AppId::parse(text).map(|id| id.as_str().to_owned()).as_deref(), Ok(text));
    }
    for text in ["", "Acme", "a.b", "a_b", "-a", "a-", "a/", "é", "a b", "xn--a", &"a".repeat(64)] {
        assert!(AppId::parse(text).is_err(), "{text:?}");
    }
}

#[test]
fn a_session_domain_is_a_host_name_alone() {
    for text in ["acme.session.prelude.dev", "login.acme.example", "localhost"] {
        assert_eq!(SessionDomain::parse(text).map(|name| name.as_str().to_owned()).as_deref(), Ok(text));
    }
    let wrong = [
        "https://acme.example",
        "acme.example/",
        "acme.example:443",
        "Acme.example",
        "acme..example",
        "acme.example.",
        "127.0.0.1",
        "1.2",
        "acme.0x1",
        "",
        "user@acme.example",
    ];
    for text in wrong {
        assert!(SessionDomain::parse(text).is_err(), "{text:?}");
    }
    assert!(SessionDomain::parse(&["abcdefgh"; 29].join(".")).is_err(), "more than 253 characters");
}

#[test]
fn a_key_set_is_fetched_over_https_or_from_this_machine() {
    let right = [
        ("https://acme.example/jwks.json", false),
        ("https://acme.example:8443/a?b=c", false),
        ("http://127.0.0.1:9/jwks.json", true),
        ("http://127.8.8.8/", true),
        ("http://[::1]:9/jwks.json", true),
        ("http://localhost:9/jwks.json", true),
    ];
    for (text, plain) in right {
        let url = HttpUrl::parse(text).expect("a URL");
        assert_eq!((url.as_str(), url.is_plain()), (text, plain));
    }
    let wrong = [
        "acme.example/jwks.json",
        "ftp://acme.example/",
        "https://",
        "https:acme.example",
        "https://user@acme.example/",
        "https://user:secret@acme.example/",
        "https://acme.example/#keys",
        "https://acme.example/a b",
        "https://acme.example\\a",
        " https://acme.example/",
        "http://acme.example/",
        "http://localhost.acme.example/",
        "http://127.0.0.1.acme.example/",
        "http://10.0.0.1/",
        "http://[::2]/",
        "http://localhost@acme.example/",
        "HTTPS://acme.example/",
    ];
    for text in wrong {
        assert!(HttpUrl::parse(text).is_err(), "{text:?}");
    }
}
