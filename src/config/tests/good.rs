use std::path::Path;
use std::time::Duration;

use super::*;

const APP: (&str, &str) = ("DOORSTEP__PRELUDE__APP_ID", "acme");

#[test]
fn an_application_id_is_all_that_must_be_set() {
    let settings = Given::nothing().variable(APP.0, APP.1).load().expect("settings");
    assert_eq!(settings.mode, Mode::Production);
    assert_eq!(settings.server.bind.to_string(), "127.0.0.1:8080");
    assert_eq!(settings.server.workers, None);
    assert_eq!((settings.server.connections_max, settings.server.client_connections_max), (1200, 300));
    assert_eq!(settings.server.silence_deadline, Duration::from_secs(10));
    assert_eq!(settings.server.body_bytes_max, 65_536);
    assert_eq!(settings.server.header_deadline, Duration::from_secs(5));
    assert_eq!(settings.server.body_deadline, Duration::from_secs(2));
    assert_eq!(settings.server.request_deadline, Duration::from_secs(2));
    assert_eq!(settings.server.shutdown_deadline, Duration::from_secs(30));
    assert_eq!(settings.prelude.app_id.as_str(), "acme");
    assert_eq!(settings.prelude.session_domain.as_str(), "acme.session.prelude.dev");
    assert_eq!(
        settings.prelude.key_set_url.as_str(),
        "https://acme.session.prelude.dev/.well-known/jwks.json"
    );
    assert_eq!(
        settings.prelude.step_up_key_set_url.as_str(),
        "https://acme.session.prelude.dev/.well-known/step-up-jwks.json"
    );
    assert_eq!(settings.prelude.ca_file, None);
    assert_eq!(settings.prelude.key_set_refresh, Duration::from_secs(300));
    assert_eq!(settings.policies.dir, Path::new("policies"));
    assert_eq!(settings.store.url, StoreUrl::Sqlite("doorstep.sqlite".into()));
    assert_eq!((settings.store.queue_max, settings.store.batch_max), (4096, 64));
    assert!(settings.keys.encryption_key.is_none() && settings.keys.previous_encryption_key.is_none());
    let terms = crate::domain::KeyTerms {
        rotate_every: Duration::from_secs(90 * 86_400),
        bits: 2048,
        jwks_cache: Duration::from_secs(600),
        clock_skew: Duration::from_secs(30),
    };
    assert_eq!(settings.keys.terms, terms);
    assert_eq!(settings.tokens.ttl, Duration::from_secs(300));
    assert_eq!(settings.tokens.not_before_skew, Duration::from_secs(5));
    assert_eq!(settings.tokens.challenge_clock_skew, Duration::from_secs(5));
    assert_eq!((settings.log.levels.to_string().as_str(), settings.log.format), ("info", LogFormat::Json));
}

#[test]
fn a_stronger_layer_wins_and_the_others_stay() {
    let settings = Given::file(
        "[server]\nbind = \"10.0.0.1:1\"\nworkers = 2\n[tokens]\nttl = \"1m\"\n[prelude]\napp_id = \"acme\"\n",
    )
    .variable("DOORSTEP__SERVER__BIND", "10.0.0.2:2")
    .variable("DOORSTEP__SERVER__WORKERS", "3")
    .flag("server.bind", "10.0.0.3:3", "--bind")
    .load()
    .expect("settings");
    assert_eq!(settings.server.bind.to_string(), "10.0.0.3:3", "the flag's");
    assert_eq!(settings.server.workers, Some(3), "the variable's");
    assert_eq!(settings.tokens.ttl, Duration::from_secs(60), "the file's");
    assert_eq!(settings.tokens.not_before_skew, Duration::from_secs(5), "the default");
}

#[test]
fn a_session_domain_of_ones_own_moves_both_key_sets() {
    let given = || Given::nothing().variable(APP.0, APP.1);
    let settings =
        given().variable("DOORSTEP__PRELUDE__SESSION_DOMAIN", "login.acme.example").load().expect("settings");
    assert_eq!(settings.prelude.key_set_url.as_str(), "https://login.acme.example/.well-known/jwks.json");
    assert_eq!(
        settings.prelude.step_up_key_set_url.as_str(),
        "https://login.acme.example/.well-known/step-up-jwks.json"
    );
    let settings =
        given().variable("DOORSTEP__PRELUDE__KEY_SET_URL", "https://a.example/k").load().expect("settings");
    assert_eq!(settings.prelude.key_set_url.as_str(), "https://a.example/k");
    assert_eq!(settings.prelude.session_domain.as_str(), "acme.session.prelude.dev");
}

#[test]
fn plain_http_to_this_machine_is_for_development() {
    let settings =
        Given::file("[prelude]\napp_id = \"acme\"\nkey_set_url = \"http://127.0.0.1:9/jwks.json\"\n")
            .flag("mode", "development", "--dev")
            .load()
            .expect("settings");
    assert_eq!(settings.mode, Mode::Development);
    assert!(settings.prelude.key_set_url.is_plain());
}

#[test]
fn a_file_may_spell_a_whole_number_in_every_way_of_toml() {
    for (text, expected) in [("65_536", 65_536), ("0x10000", 65_536), ("+2000", 2000), ("0o4000", 2048)] {
        let file = format!("prelude.app_id = \"acme\"\nserver.body_bytes_max = {text}\n");
        let layers = vec![source::built_in(), source::of_text("test.toml", &file)];
        let settings = settings::build(layers).expect("settings");
        assert_eq!(settings.server.body_bytes_max, expected, "{text}");
    }
}

#[test]
fn variables_of_others_are_left_alone() {
    let given = Given::nothing()
        .variable(APP.0, APP.1)
        .variable("DOORSTEP_SERVICE_HOST", "10.0.0.1")
        .variable("DOORSTEP_PORT_8080_TCP_ADDR", "10.0.0.1")
        .variable("DOORSTEP_CONFIG", "/etc/doorstep/doorstep.toml")
        .variable("DOORSTEPS__SERVER__BIND", "10.0.0.1:1")
        .variable("PATH", "/bin");
    assert!(given.load().is_ok());
}

#[test]
fn every_example_of_the_default_file_is_a_good_value() {
    let text = include_str!("../../../config/default.toml");
    let uncommented = |line: &str| {
        let is_example = line.strip_prefix("# ").is_some_and(|rest| {
            rest.split_once(" = ")
                .is_some_and(|(key, _)| key.bytes().all(|b| b.is_ascii_lowercase() || b == b'_'))
        });
        let is_table = line.starts_with("# [callbacks.");
        let bare = if is_example || is_table { line.trim_start_matches("# ") } else { line };
        bare.replace("[callbacks.NAME]", "[callbacks.name]")
    };
    let all: Vec<_> = text.lines().map(uncommented).collect();
    let layer = source::of_text("all.toml", &all.join("\n"));
    let general = |key: &str| options::callbacks::general(key).unwrap_or_else(|| key.to_owned());
    let keys: Vec<_> = layer.entries.iter().map(|entry| general(&entry.key)).collect();
    let secrets = ["encryption_key", "secret", "password", "verification_token", "management_key", "headers"];
    let is_secret = |key: &str| secrets.iter().any(|secret| key.ends_with(secret));
    let mut expected: Vec<_> =
        options::all().map(option::AnyOption::key).filter(|key| !is_secret(key)).collect();
    // The file has the sections in their own order.
    let section = |key: &str| {
        let name = key.rsplit_once('.').map_or("", |(above, _)| above);
        options::SECTIONS.iter().position(|(section, _)| *section == name).map_or(0, |at| at + 1)
    };
    expected.sort_by_key(|key| section(key));
    assert_eq!(keys, expected, "every option stands in the file, in the table's order");
    assert_eq!(layer.entries.iter().filter_map(rules::check).collect::<Vec<_>>(), []);
}

#[test]
fn the_production_example_is_good() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("config/production.example.toml");
    let text = std::fs::read_to_string(&path).expect("the example");
    let key_file = TempFile::new("example-key", "11".repeat(32).as_bytes());
    let path = key_file.0.display().to_string();
    let layers = vec![
        source::built_in(),
        source::of_text("production.example.toml", &text),
        source::environment([("DOORSTEP__KEYS__ENCRYPTION_KEY_FILE".to_owned(), path)].into_iter()),
    ];
    let settings = settings::build(layers).expect("settings");
    assert_eq!(settings.mode, Mode::Production);
    assert!(settings.keys.encryption_key.is_some());
}

#[test]
fn a_file_is_read_from_disk() {
    let file = TempFile::new("good.toml", b"[prelude]\napp_id = \"acme\"\n");
    assert_eq!(load_file(&file.0, &[]).expect("settings").prelude.app_id.as_str(), "acme");
}

#[test]
fn our_environment_is_ours_alone() {
    assert!(environment().all(|(name, _)| name.to_lowercase().starts_with("doorstep")));
}

#[test]
fn no_token_outlives_what_a_key_is_kept_for() {
    let longest = crate::domain::TOKEN_LIFE_SECONDS_MAX;
    let ttl = |text| Given::nothing().variable(APP.0, APP.1).variable("DOORSTEP__TOKENS__TTL", text).load();
    assert_eq!(longest, 3600);
    assert!(ttl("3600s").is_ok() && ttl("3601s").is_err());
}

#[test]
fn a_shorter_cache_is_for_development() {
    let settings = Given::file("[prelude]\napp_id = \"acme\"\n[keys]\njwks_cache = \"1s\"\nclock_skew = \"0s\"\nrotate_every = \"5s\"\n")
        .flag("mode", "development", "--dev")
        .load()
        .expect("settings");
    assert_eq!(settings.keys.terms.lead(), Duration::from_secs(4));
}
