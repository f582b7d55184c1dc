use super::fixtures::*;
use super::*;
use crate::domain::{Match, Pointer, ProviderEvent, ProviderOutcome, Scheme, Signed};

fn schemes() -> impl Iterator<Item = (&'static str, Scheme)> {
    Scheme::ALL.into_iter()
}

fn read(scheme: Scheme, headers: &[(String, String)], body: &[u8]) -> Result<ProviderEvent, CallbackFault> {
    source(scheme).read(&borrowed(headers), body, now())
}

/// What a call with a good signature over any body becomes.
fn understood(scheme: Scheme, body: &str) -> Result<ProviderEvent, CallbackFault> {
    read(scheme, &headers(scheme, SECRET, body.as_bytes(), NOW), body.as_bytes())
}

#[test]
fn every_example_is_understood() {
    for example in examples() {
        let signed = headers(example.scheme, SECRET, &example.body, NOW);
        let event = read(example.scheme, &signed, &example.body).expect(&example.title);
        let matches = match event.matches {
            Match::Known => "known",
            Match::UnknownWord => "unknown_word",
            Match::Mismatch => "mismatch",
        };
        assert_eq!(
            (event.outcome.as_str(), matches),
            (&*example.outcome, &*example.matches),
            "{}",
            example.title
        );
        assert_eq!(event.reference.as_deref(), Some(REFERENCE), "{}", example.title);
        if let Some(reason) = example.reason {
            assert_eq!(event.outcome, ProviderOutcome::Rejected(reason.into()), "{}", example.title);
        }
    }
}

#[test]
fn an_event_has_an_id_and_a_moment() {
    let expected = [
        ("standard_webhooks", Some("msg_1"), Some("2022-11-03T20:26:10.344522Z")),
        ("persona", Some("evt_XGuYWp7WuDzNxie5z16s7sGJ"), Some("2019-09-09T22:46:30Z")),
        ("sumsub", None, Some("2020-02-21T13:23:19.321Z")),
        ("veriff", None, Some("2019-11-06T07:18:40Z")),
        ("onfido", None, Some("2023-07-19T15:12:04Z")),
        ("stripe_identity", Some("evt_1MqqbKLt4dXK03v5qaIbiNCC"), Some("2023-03-29T04:27:08Z")),
        ("didit", None, Some("2021-07-30T21:20:42Z")),
        ("idenfy", None, Some("2019-04-08T12:36:42Z")),
        ("generic", None, None),
    ];
    for (name, id, happened_at) in expected {
        let scheme = scheme(name);
        let body = approval(scheme);
        let event = read(scheme, &headers(scheme, SECRET, &body, NOW), &body).expect(name);
        let by_body = crate::domain::EventId::of_body(event.body_sha256);
        assert_eq!(event.id.as_str(), id.unwrap_or(by_body.as_str()), "{name}");
        assert_eq!(event.happened_at.map(|at| at.to_string()).as_deref(), happened_at, "{name}");
    }
}

#[test]
fn either_secret_signs_and_no_other() {
    for (name, scheme) in schemes() {
        let body = approval(scheme);
        for (secret, good) in
            [(SECRET, true), (NEXT_SECRET, true), (&b"somebody-elses-secret"[..], false), (b"x", false)]
        {
            let result = read(scheme, &headers(scheme, secret, &body, NOW), &body);
            assert_eq!(result.is_ok(), good, "{name}: {result:?}");
            assert!(good || result == Err(CallbackFault::WrongSignature), "{name}");
        }
    }
}

#[test]
fn every_flipped_bit_of_the_body_is_noticed() {
    for (name, scheme) in schemes() {
        let body = approval(scheme);
        let signed = headers(scheme, SECRET, &body, NOW);
        let (source, signed) = (source(scheme), borrowed(&signed));
        for at in 0..body.len() {
            let mut changed = body.clone();
            changed[at] ^= 1 << (at % 8);
            assert_eq!(
                source.read(&signed, &changed, now()),
                Err(CallbackFault::WrongSignature),
                "{name} {at}"
            );
        }
        for changed in [&body[..body.len() - 1], &[&body[..], b" "].concat(), b""] {
            assert_eq!(source.read(&signed, changed, now()), Err(CallbackFault::WrongSignature), "{name}");
        }
    }
}

/// A header may be spelt in two ways (upper case digits, another version's signature) that say the same.
#[test]
fn a_flipped_bit_of_a_header_never_makes_another_event() {
    for (name, scheme) in schemes() {
        let body = approval(scheme);
        let signed = headers(scheme, SECRET, &body, NOW);
        let good = read(scheme, &signed, &body).expect(name);
        let mut accepted = 0;
        for (header, bit) in (0..signed.len()).flat_map(|header| (0..7).map(move |bit| (header, bit))) {
            for at in 0..signed[header].1.len() {
                let mut changed = signed.clone();
                let mut bytes = changed[header].1.clone().into_bytes();
                bytes[at] ^= 1 << bit;
                let Ok(text) = String::from_utf8(bytes) else { continue };
                changed[header].1 = text;
                if let Ok(event) = read(scheme, &changed, &body) {
                    assert_eq!(event, good, "{name}");
                    accepted += 1;
                }
            }
        }
        let headers_that_count: usize = signed.iter().map(|(_, value)| value.len()).sum();
        assert!(accepted < headers_that_count * 7 / 2, "{name}: {accepted} of {headers_that_count}");
    }
}

#[test]
fn a_timestamp_may_be_five_minutes_off() {
    for (name, scheme) in schemes() {
        let timeless = ["sumsub", "veriff", "onfido", "idenfy"].contains(&name);
        let body = approval(scheme);
        for (off, fresh) in [(-300, true), (300, true), (-301, false), (301, false), (-100_000, false)] {
            let result = read(scheme, &headers(scheme, SECRET, &body, NOW + off), &body);
            let expected = if fresh || timeless { None } else { Some(CallbackFault::Stale) };
            assert_eq!(result.err(), expected, "{name} {off}");
        }
    }
}

#[test]
fn a_timestamp_that_was_changed_or_is_none_is_refused() {
    let body = approval(Scheme::Persona);
    for moment in ["", "+1790000000", "1790000000.0", "-1", "0x6ab13b80", "999999999999", "1790000000 "] {
        let mac = hex(&mac256(SECRET, &after(moment, &body)));
        let signed = vec![("persona-signature".to_owned(), format!("t={moment},v1={mac}"))];
        assert!(read(Scheme::Persona, &signed, &body).is_err(), "{moment:?}");
    }
    let mac = hex(&mac256(SECRET, &after("1", &body)));
    let signed = vec![("persona-signature".to_owned(), format!("t={NOW},v1={mac}"))];
    assert_eq!(read(Scheme::Persona, &signed, &body), Err(CallbackFault::WrongSignature));
}

#[test]
fn one_good_signature_among_several_is_enough() {
    let body = approval(Scheme::Persona);
    let mac = |secret: &[u8], at: i64| hex(&mac256(secret, &after(&at.to_string(), &body)));
    let (good, other) = (mac(SECRET, NOW), mac(b"other", NOW));
    let old = mac(SECRET, NOW - 1000);
    let past = NOW - 1000;
    let cases = [
        (format!("t={NOW},v1={other} t={NOW},v1={good}"), None),
        (format!("t={NOW},v1={good} t={NOW},v1={other}"), None),
        (format!("t={past},v1={old} t={NOW},v1={good}"), None),
        (format!("t={NOW},v1={other},v1={good}"), None),
        (format!("v1={good},t={NOW}"), None),
        (format!("t={NOW},v1={good},v0=zz,x"), None),
        (format!("t={past},v1={old}"), Some(CallbackFault::Stale)),
        // A timestamp belongs to the signatures of its own group.
        (format!("t={past},v1={good} t={NOW},v1={old}"), Some(CallbackFault::WrongSignature)),
        (format!("t={NOW},t={NOW},v1={good}"), Some(CallbackFault::Malformed)),
        (format!("v1={good}"), Some(CallbackFault::Malformed)),
        (format!("t={NOW}"), Some(CallbackFault::Malformed)),
        (format!("t={NOW},v0={good}"), Some(CallbackFault::Malformed)),
        (format!("t={NOW},v1="), Some(CallbackFault::WrongSignature)),
        (format!("t={NOW},v1={}", good.get(1..).expect("digits")), Some(CallbackFault::Malformed)),
        (format!("t={NOW},v1={}", good.get(2..).expect("digits")), Some(CallbackFault::WrongSignature)),
        (String::new(), Some(CallbackFault::Malformed)),
        (format!("t={NOW}{}", format!(",v1={good}").repeat(8)), None),
        (format!("t={NOW}{}", format!(",v1={good}").repeat(9)), Some(CallbackFault::Malformed)),
        (format!("t={NOW},v1={good} ").repeat(9), Some(CallbackFault::Malformed)),
        (format!("t={NOW},v1={good}{}", " ".repeat(2048)), Some(CallbackFault::Malformed)),
    ];
    for (header, fault) in cases {
        let signed = vec![("Persona-Signature".to_owned(), header.clone())];
        assert_eq!(read(Scheme::Persona, &signed, &body).err(), fault, "{header}");
    }
}

#[test]
fn standard_webhooks_takes_only_its_own_version() {
    let body = approval(Scheme::StandardWebhooks);
    let good = headers(Scheme::StandardWebhooks, SECRET, &body, NOW);
    let signature = good[2].1.trim_start_matches("v1a,AAAA v1,").to_owned();
    let cases = [
        (format!("v1,{signature}"), None),
        (format!("v1,AAAA v1,{signature}"), None),
        (format!("v1a,{signature}"), Some(CallbackFault::Malformed)),
        (format!("v2,{signature}"), Some(CallbackFault::Malformed)),
        (signature.clone(), Some(CallbackFault::Malformed)),
        (format!("v1,{}", signature.trim_end_matches('=')), Some(CallbackFault::Malformed)),
        (format!("v1,{signature} ").repeat(9), Some(CallbackFault::Malformed)),
    ];
    for (header, fault) in cases {
        let mut signed = good.clone();
        signed[2].1 = header.clone();
        assert_eq!(read(Scheme::StandardWebhooks, &signed, &body).err(), fault, "{header}");
    }
    // The id is signed too.
    let mut signed = good;
    signed[0].1 = "msg_2".into();
    assert_eq!(read(Scheme::StandardWebhooks, &signed, &body), Err(CallbackFault::WrongSignature));
}

#[test]
fn sumsub_names_its_hash_and_never_a_weak_one() {
    let body = approval(Scheme::Sumsub);
    let (short, long) = (hex(&mac256(SECRET, &body)), hex(&mac512(SECRET, &body)));
    let cases = [
        (&short, None, None),
        (&short, Some("HMAC_SHA256_HEX"), None),
        (&long, Some("HMAC_SHA512_HEX"), None),
        (&long, None, Some(CallbackFault::WrongSignature)),
        (&short, Some("HMAC_SHA512_HEX"), Some(CallbackFault::WrongSignature)),
        (&short, Some("HMAC_SHA1_HEX"), Some(CallbackFault::Malformed)),
        (&short, Some(""), Some(CallbackFault::Malformed)),
    ];
    for (mac, named, fault) in cases {
        let mut signed = vec![("x-payload-digest".to_owned(), mac.clone())];
        signed.extend(named.map(|named| ("x-payload-digest-alg".to_owned(), named.to_owned())));
        assert_eq!(read(Scheme::Sumsub, &signed, &body).err(), fault, "{named:?}");
    }
}

#[test]
fn a_header_that_is_absent_doubled_or_huge_is_refused() {
    for (name, scheme) in schemes() {
        let body = approval(scheme);
        let good = headers(scheme, SECRET, &body, NOW);
        for at in 0..good.len() {
            let ignored = ["X-AUTH-CLIENT", "X-Payload-Digest-Alg"].contains(&good[at].0.as_str());
            let mut without = good.clone();
            without.remove(at);
            let expected = (!ignored).then_some(CallbackFault::Unsigned);
            assert_eq!(read(scheme, &without, &body).err(), expected, "{name}");
            if good[at].0 == "X-AUTH-CLIENT" {
                continue;
            }
            let mut twice = good.clone();
            twice.push(good[at].clone());
            assert_eq!(read(scheme, &twice, &body), Err(CallbackFault::Malformed), "{name}");
            let mut huge = good.clone();
            huge[at].1.push_str(&" ".repeat(2048));
            assert_eq!(read(scheme, &huge, &body), Err(CallbackFault::Malformed), "{name}");
        }
        assert_eq!(read(scheme, &[], &body), Err(CallbackFault::Unsigned), "{name}");
    }
}

#[test]
fn a_generic_source_signs_as_it_is_configured() {
    let body = approval(Scheme::Generic);
    let mut spec = spec(Scheme::Generic);
    let mut signing = generic_signing();
    signing.signed = Signed::IdTimestampBody { id: "x-check-id".into(), timestamp: "x-check-time".into() };
    spec.signing = Some(signing);
    let source = Source::new(&spec);
    let mac = mac512(SECRET, &after(&format!("e-1.{NOW}"), &body));
    let encoded = base64::Engine::encode(&base64::engine::general_purpose::STANDARD, mac);
    let (moment, prefixed) = (NOW.to_string(), format!("sha512={encoded}"));
    let read = |signature: &str| {
        let signed = [("x-check-id", "e-1"), ("x-check-time", &*moment), ("x-check-signature", signature)];
        source.read(&signed, &body, now()).map(|event| event.id.to_string())
    };
    assert_eq!(read(&prefixed), Ok("e-1".to_owned()));
    assert_eq!(read(&format!("sha512=AAAA,{prefixed}")), Ok("e-1".to_owned()));
    assert_eq!(read(&encoded), Err(CallbackFault::Malformed), "without its prefix");
    assert_eq!(read(&format!("sha256={encoded}")), Err(CallbackFault::Malformed));
}

#[test]
fn other_shapes_of_json_are_no_approvals() {
    for (name, scheme) in schemes() {
        for body in ["[]", "null", "1", "\"approved\"", "{}", "{\"status\":[]}", "[[[]]]"] {
            let event = understood(scheme, body).expect(name);
            assert_eq!((event.outcome, event.reference), (ProviderOutcome::Pending, None), "{name} {body}");
            assert_ne!(event.matches, Match::Known, "{name} {body}");
        }
        for body in ["", "{", "approved=1", "{}{}", "{\"a\":1,\"a\":1}"] {
            assert_eq!(understood(scheme, body), Err(CallbackFault::NotAnEvent), "{name} {body}");
        }
        // The same approval, said twice, could be read in two ways.
        let text = String::from_utf8(approval(scheme)).expect("text");
        let doubled = format!(
            "{},\"zz\":1,\"zz\":2}}",
            text.trim_end_matches('}').to_owned()
                + &"}".repeat(text.len() - text.trim_end_matches('}').len() - 1)
        );
        assert_eq!(understood(scheme, &doubled), Err(CallbackFault::NotAnEvent), "{name}");
    }
}

#[test]
fn settings_say_where_things_stand() {
    let mut spec = spec(Scheme::Veriff);
    spec.overrides.reference = Some(pointer("/verification/endUserId"));
    spec.overrides.id = Some(pointer("/verification/attemptId"));
    spec.requires = vec![(pointer("/status"), "success".into())];
    let text = String::from_utf8(approval(Scheme::Veriff)).expect("text").replace("vendorData", "endUserId");
    let signed = headers(Scheme::Veriff, SECRET, text.as_bytes(), NOW);
    let event = Source::new(&spec).read(&borrowed(&signed), text.as_bytes(), now()).expect("an event");
    assert_eq!(event.reference.as_deref(), Some(REFERENCE));
    assert_eq!(event.id.as_str(), "00bca969-b53a-4fad-b065-874d41a7b2b8");
    assert_eq!((event.outcome, event.matches), (ProviderOutcome::Approved, Match::Known));
}

#[test]
fn a_sandbox_can_be_asked_for_by_name() {
    let sandbox = |value: &str| {
        let mut spec = spec(Scheme::StripeIdentity);
        spec.requires = vec![(Pointer::new("/livemode").expect("a pointer"), value.into())];
        let text = String::from_utf8(approval(Scheme::StripeIdentity)).expect("text");
        let text = text.replace("\"livemode\":true", "\"livemode\":false");
        let signed = headers(Scheme::StripeIdentity, SECRET, text.as_bytes(), NOW);
        Source::new(&spec).read(&borrowed(&signed), text.as_bytes(), now()).expect("an event").matches
    };
    assert_eq!(sandbox("false"), Match::Known);
    assert_eq!(sandbox("true"), Match::Mismatch);
}
