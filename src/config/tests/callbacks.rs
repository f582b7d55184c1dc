use super::*;
use crate::domain::{Scheme, Signed};

const SECRET: (&str, &str) = ("DOORSTEP__CALLBACKS__KYC__SECRET", "0123456789abcdef");

/// Settings with a provider called `kyc`, whose secret is in the environment.
fn kyc(table: &str) -> Result<Settings, ConfigFaults> {
    let file = format!("prelude.app_id = \"acme\"\n[callbacks.kyc]\n{table}\n");
    let secret = [(SECRET.0.to_owned(), SECRET.1.to_owned())];
    let layers =
        vec![source::built_in(), source::of_text("t", &file), source::environment(secret.into_iter())];
    settings::build(layers)
}

fn check_faults(table: &str, expected: &[&str]) {
    let faults = kyc(table).expect_err(table);
    let found: Vec<_> = faults.faults().iter().map(brief).collect();
    assert_eq!(found, expected, "{table}");
    assert!(!faults.to_string().contains(SECRET.1));
}

#[test]
fn a_vendor_needs_a_scheme_a_secret_and_steps() {
    let settings = kyc("scheme = \"sumsub\"\nsteps = [\"kyc_review\", \"poa_review\"]\n\
                        requires = { \"/levelName\" = \"basic\", \"/a.b/0\" = true, \"/n\" = 7 }\n\
                        reference = \"/externalUserId\"")
    .expect("settings");
    let [source] = &*settings.callbacks else { panic!("one source") };
    assert_eq!((source.name.as_str(), source.scheme), ("kyc", Scheme::Sumsub));
    assert_eq!(
        source.secrets.iter().map(crate::domain::SecretBytes::expose).collect::<Vec<_>>(),
        [SECRET.1.as_bytes()]
    );
    assert_eq!(
        source.steps.iter().map(crate::domain::StepKey::as_str).collect::<Vec<_>>(),
        ["kyc_review", "poa_review"]
    );
    let mut requires: Vec<_> = source.requires.iter().map(|(at, value)| (at.as_str(), &**value)).collect();
    requires.sort_unstable();
    assert_eq!(requires, [("/a.b/0", "true"), ("/levelName", "basic"), ("/n", "7")]);
    assert!(source.signing.is_none() && source.words.is_none());
    assert!(!format!("{settings:?}").contains(SECRET.1));
}

#[test]
fn a_generic_source_says_how_it_signs_and_speaks() {
    let settings = kyc("scheme = \"generic\"\nsteps = [\"kyc_review\"]\nsignature_header = \"X-Check\"\n\
                        signature_prefix = \"sha256=\"\nsigned = \"id.timestamp.body\"\ntimestamp_header = \"X-Time\"\n\
                        id_header = \"X-Id\"\nreference = \"/ref\"\noutcome = \"/state\"\napproved = [\"passed\", \"In order\"]\n\
                        rejected = [\"failed\"]")
    .expect("settings");
    let signing = settings.callbacks[0].signing.as_ref().expect("how it signs");
    assert_eq!((&*signing.header, &*signing.prefix), ("x-check", "sha256="));
    assert_eq!(signing.signed, Signed::IdTimestampBody { id: "x-id".into(), timestamp: "x-time".into() });
    let words = settings.callbacks[0].words.as_ref().expect("words");
    assert_eq!((words.at.as_str(), words.approved.len(), &*words.rejected[0]), ("/state", 2, "failed"));
}

#[test]
fn the_environment_can_say_all_but_what_is_required() {
    let settings = Given::file("prelude.app_id = \"acme\"")
        .variable("DOORSTEP__CALLBACKS__ID_CHECK__SCHEME", "veriff")
        .variable("DOORSTEP__CALLBACKS__ID_CHECK__SECRET", "0123456789abcdef")
        .variable("DOORSTEP__CALLBACKS__ID_CHECK__NEXT_SECRET", "fedcba9876543210")
        .variable("DOORSTEP__CALLBACKS__ID_CHECK__STEPS", "kyc_review,poa_review")
        .load()
        .expect("settings");
    let [source] = &*settings.callbacks else { panic!("one source") };
    assert_eq!((source.name.as_str(), source.steps.len(), source.secrets.len()), ("id_check", 2, 2));
}

#[test]
fn a_stronger_layer_wins_in_a_table_too() {
    let settings = Given::file(
        "prelude.app_id = \"acme\"\n[callbacks.kyc]\nscheme = \"veriff\"\nsteps = [\"kyc_review\"]",
    )
    .variable("DOORSTEP__CALLBACKS__KYC__SCHEME", "onfido")
    .variable(SECRET.0, SECRET.1)
    .load()
    .expect("settings");
    assert_eq!(settings.callbacks[0].scheme, Scheme::Onfido);
}

#[test]
fn standard_webhooks_has_secrets_of_its_own() {
    let words = "reference = \"/r\"\noutcome = \"/type\"\napproved = [\"ok\"]";
    let load = |secret: &'static str| {
        let file = format!(
            "prelude.app_id = \"acme\"\n[callbacks.kyc]\nscheme = \"standard_webhooks\"\nsteps = [\"kyc_review\"]\n{words}"
        );
        let secret = [(SECRET.0.to_owned(), secret.to_owned())];
        let layers =
            vec![source::built_in(), source::of_text("t", &file), source::environment(secret.into_iter())];
        settings::build(layers)
    };
    for good in ["whsec_MDEyMzQ1Njc4OWFiY2RlZg==", "MDEyMzQ1Njc4OWFiY2RlZg=="] {
        let settings = load(good).expect("settings");
        assert_eq!(settings.callbacks[0].secrets[0].expose(), b"0123456789abcdef");
    }
    for bad in ["whsec_MDEyMzQ1Njc4OWFiY2Rl", "whsec_0123456789abcde!", "0123456789abcdefg"] {
        let faults = load(bad).expect_err(bad);
        let expected = format!("impossible_value callbacks.kyc.secret environment variable {}", SECRET.0);
        assert_eq!(faults.faults().iter().map(brief).collect::<Vec<_>>(), [expected]);
        assert!(!faults.to_string().contains(bad));
    }
}

#[test]
fn a_secret_comes_from_a_file_of_its_own_too() {
    let load = |bytes: &[u8]| {
        let file = TempFile::new("provider-secret", bytes);
        let text = format!(
            "prelude.app_id = \"acme\"\n[callbacks.kyc]\nscheme = \"veriff\"\nsteps = [\"kyc_review\"]\n\
             secret_file = {:?}",
            file.0.display().to_string()
        );
        settings::build(vec![source::built_in(), source::of_text("t", &text)])
    };
    for end in ["", "\n", "\r\n"] {
        let settings = load(format!("{}{end}", SECRET.1).as_bytes()).expect("settings");
        assert_eq!(settings.callbacks[0].secrets[0].expose(), SECRET.1.as_bytes());
    }
    for bad in ["", "CANARY", "0123456789\n0123456789\n", &"CANARY".repeat(100)] {
        let faults = load(bad.as_bytes()).expect_err(bad);
        let found: Vec<_> = faults.faults().iter().map(brief).collect();
        assert_eq!(found, ["impossible_value callbacks.kyc.secret_file t:5:15"], "{bad}");
        assert!(!faults.to_string().contains("CANARY"));
    }
}

#[test]
fn what_a_table_lacks_or_has_no_use_for_is_told_at_once() {
    let whole = "scheme = \"veriff\"\nsteps = [\"kyc_review\"]\n";
    let with = |more: &str| format!("{whole}{more}");
    let cases: [(&str, &[&str]); 17] = [
        (
            "",
            &[
                "missing callbacks.kyc t:2:12",
                "missing callbacks.kyc.scheme -",
                "missing callbacks.kyc.steps -",
            ][..],
        ),
        (&with("secret = \"0123456789abcdef\""), &["secret_exposed callbacks.kyc.secret t:5:1"]),
        (&with("scret = \"x\""), &["unknown_key callbacks.kyc.scret t:5:1"]),
        (&with("signed = \"body\""), &["impossible_value callbacks.kyc.signed t:5:1"]),
        (&with("approved = [\"x\"]"), &["impossible_value callbacks.kyc.approved t:5:1"]),
        (&with("reference = \"ref\""), &["impossible_value callbacks.kyc.reference t:5:13"]),
        (&with("requires = \"x\""), &["wrong_type callbacks.kyc.requires t:5:12"]),
        (&with("requires = { a = \"x\" }"), &["impossible_value callbacks.kyc.requires.a t:5:14"]),
        (&with("requires = { \"/a\" = 1.5 }"), &["wrong_type callbacks.kyc.requires.\"/a\" t:5:21"]),
        (
            "scheme = \"veryf\"\nsteps = [\"verify_sms\"]",
            &["impossible_value callbacks.kyc.scheme t:3:10", "impossible_value callbacks.kyc.steps t:4:9"],
        ),
        ("scheme = \"veriff\"\nsteps = \"kyc_review\"", &["wrong_type callbacks.kyc.steps t:4:9"]),
        ("scheme = \"veriff\"\nsteps = []", &["impossible_value callbacks.kyc.steps t:4:9"]),
        ("scheme = \"veriff\"\nsteps = [\"a,b\"]", &["wrong_type callbacks.kyc.steps t:4:9"]),
        (
            "scheme = \"generic\"\nsteps = [\"kyc_review\"]",
            &[
                "missing callbacks.kyc.signature_header -",
                "missing callbacks.kyc.reference -",
                "missing callbacks.kyc.outcome -",
                "missing callbacks.kyc.approved -",
            ],
        ),
        (
            "scheme = \"generic\"\nsteps = [\"kyc_review\"]\nsignature_header = \"X\"\nid_header = \"Y\"\n\
             reference = \"/r\"\noutcome = \"/o\"\napproved = [\"a\"]\nrejected = [\"a\"]\nsigned = \"timestamp.body\"",
            &[
                "impossible_value callbacks.kyc.id_header t:6:1",
                "missing callbacks.kyc.timestamp_header -",
                "impossible_value callbacks.kyc.rejected t:10:1",
            ],
        ),
        (
            &with("secret_file = \"/nowhere\""),
            &["both_given callbacks.kyc.secret environment variable DOORSTEP__CALLBACKS__KYC__SECRET"],
        ),
        (&with("[callbacks.KYC]\nscheme = \"veriff\""), &["impossible_value callbacks.KYC.scheme t:6:1"]),
    ];
    for (table, expected) in cases {
        check_faults(table, expected);
    }
}

#[test]
fn tables_and_their_names_are_checked() {
    let cases = [
        ("callbacks = 1", "wrong_type callbacks t:2:13"),
        ("callbacks.kyc = 1", "wrong_type callbacks.kyc t:2:17"),
        ("[callbacks.kyc]", "missing callbacks.kyc t:2:12"),
        ("[callbacks.\"k y c\"]\nscheme = \"veriff\"", "impossible_value callbacks.\"k y c\".scheme t:3:1"),
        ("[callbacks.k__c]\nscheme = \"veriff\"", "impossible_value callbacks.k__c.scheme t:3:1"),
        ("[callbacks.1c]\nscheme = \"veriff\"", "impossible_value callbacks.1c.scheme t:3:1"),
    ];
    for (text, expected) in cases {
        let file = format!("prelude.app_id = \"acme\"\n{text}\n");
        let faults = settings::build(vec![source::built_in(), source::of_text("t", &file)]).expect_err(text);
        assert_eq!(faults.faults().iter().map(brief).collect::<Vec<_>>(), [expected], "{text}");
    }
    let faults =
        Given::nothing().variable("DOORSTEP__CALLBACKS__KYC__SCRET", "x").load().expect_err("faults");
    assert_eq!(&*faults.faults()[0].help, "did you mean DOORSTEP__CALLBACKS__KYC__SECRET?");
}
