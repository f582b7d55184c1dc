//! What a key set may be, and when it is fetched.

use serde_json::json;
use wiremock::matchers::method;
use wiremock::{Mock, MockServer, ResponseTemplate};

use super::super::our_side::{self, NOW, OurKey, our_key};
use super::*;

#[test]
fn faults_in_a_key_set_spoil_it() {
    let key = our_key();
    let with = |name: &str, value: Value| {
        let mut jwk = key.jwk();
        jwk[name] = value;
        our_side::key_set(&[jwk])
    };
    let without = |name: &str| {
        let mut jwk = key.jwk();
        jwk.as_object_mut().expect("an object").remove(name);
        our_side::key_set(&[jwk])
    };
    let n = key.jwk()["n"].as_str().expect("a string").to_owned();
    let small = URL_SAFE_NO_PAD.encode([0xff; 128]);
    let private = "a key has a member besides kty, kid, use, alg, n and e";
    let not_a_number = "a key's n is not a number in shortest base64url";
    let rows = [
        (b"".to_vec(), "the key set is not a JSON object"),
        (b"[]".to_vec(), "the key set is not a JSON object"),
        (b"{}".to_vec(), "the key set has no list of keys"),
        (our_side::key_set(&[]), "the key set is empty"),
        (our_side::key_set(&[json!("k1")]), "a key is not an object"),
        (our_side::key_set(&[key.jwk(), key.jwk()]), "two keys have the same kid"),
        (with("d", json!("AQAB")), private),
        (with("x5c", json!([])), private),
        (with("kty", json!("EC")), "a key's kty is not RSA"),
        (with("use", json!("enc")), "a key's use is not sig"),
        (without("use"), "a key's use is not sig"),
        (with("alg", json!("PS256")), "a key's alg is not RS256"),
        (without("alg"), "a key's alg is not RS256"),
        (without("kid"), "a key has no kid"),
        (with("kid", json!("")), "a key has no kid"),
        (without("n"), not_a_number),
        (with("n", json!(format!("{n}=="))), not_a_number),
        (with("n", json!(format!("AAAA{n}"))), not_a_number),
        (with("e", json!("AAEAAQ")), "a key's e is not a number in shortest base64url"),
        (with("e", json!("AQ")), "a key is not an RSA key of up to 4096 bits"),
        (with("n", json!(small)), "a key is shorter than 2048 bits"),
    ];
    for (body, expected) in rows {
        let said = KeySet::parse(&body).err();
        assert_eq!(said, Some(expected), "{}", String::from_utf8_lossy(&body));
    }
    let fine = KeySet::parse(&our_side::key_set(&[key.jwk()])).expect("a key set");
    assert!(fine.find("k1").is_some() && fine.find("K1").is_none());
}

async fn serve(server: &MockServer, answer: ResponseTemplate) {
    server.reset().await;
    Mock::given(method("GET")).respond_with(answer).mount(server).await;
}

fn set_of(keys: &[&OurKey]) -> ResponseTemplate {
    let jwks: Vec<Value> = keys.iter().map(|key| key.jwk()).collect();
    ResponseTemplate::new(200).set_body_raw(our_side::key_set(&jwks), "application/json")
}

/// How often the server was asked since the last [`serve`].
async fn fetches(server: &MockServer) -> usize {
    server.received_requests().await.expect("recorded").len()
}

#[tokio::test]
async fn a_set_is_kept_for_ten_minutes_and_fetched_for_an_unknown_kid() {
    let (first, second) = (our_key(), OurKey::generate("k2"));
    let server = MockServer::start().await;
    let (remote, courier) = (RemoteKeySet::new(server.uri()), Courier::new().expect("a client"));
    serve(&server, set_of(&[first])).await;
    for at in [NOW, NOW + 1, NOW + 599] {
        assert!(remote.key(&courier, "k1", at).await.is_ok());
    }
    assert_eq!(fetches(&server).await, 1, "the cache answers for ten minutes");
    assert!(remote.key(&courier, "k1", NOW + 600).await.is_ok());
    assert_eq!(fetches(&server).await, 2, "and not longer");

    serve(&server, set_of(&[&second])).await;
    assert!(remote.key(&courier, "k1", NOW + 700).await.is_ok(), "withdrawn, but cached");
    assert_eq!(fetches(&server).await, 0);
    assert!(remote.key(&courier, "k3", NOW + 700).await.is_err(), "unknown, so fetched at once");
    assert_eq!(fetches(&server).await, 1);
    assert!(remote.key(&courier, "k2", NOW + 700).await.is_ok(), "it came with that fetch");
    assert_eq!(fetches(&server).await, 1);
    let gone = remote.key(&courier, "k1", NOW + 700).await.expect_err("withdrawn");
    assert_eq!(gone, refused("the key set has no key with this kid"));
}

#[tokio::test]
async fn a_failed_fetch_is_refused_and_leaves_the_cache() {
    let key = our_key();
    let server = MockServer::start().await;
    let (remote, courier) = (RemoteKeySet::new(server.uri()), Courier::new().expect("a client"));
    serve(&server, set_of(&[key])).await;
    assert!(remote.key(&courier, "k1", NOW).await.is_ok());
    let spaces = vec![b' '; 70 * 1024];
    for (answer, expected) in [
        (ResponseTemplate::new(503), "the key set was not answered with 200"),
        (ResponseTemplate::new(302).insert_header("location", "/"), "the key set was not answered with 200"),
        (ResponseTemplate::new(200).set_body_bytes(spaces), "the key set is over 64 KB"),
        (ResponseTemplate::new(200).set_body_string(r#"{"keys":[]}"#), "the key set is empty"),
    ] {
        serve(&server, answer).await;
        assert_eq!(remote.key(&courier, "k2", NOW + 1).await.err(), Some(refused(expected)));
        assert!(remote.key(&courier, "k1", NOW + 599).await.is_ok(), "still cached: {expected}");
        assert_eq!(remote.key(&courier, "k1", NOW + 600).await.err(), Some(refused(expected)));
    }
    let nowhere = RemoteKeySet::new("http://127.0.0.1:1/".to_owned());
    let outcome = nowhere.key(&courier, "k1", NOW).await;
    assert_eq!(outcome.err(), Some(refused("the key set could not be fetched")));
}
