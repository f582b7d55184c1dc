use super::*;

#[test]
fn the_thumbprint_is_the_rfcs_own_example() {
    let n = "0vx7agoebGcQSuuPiLJXZptN9nndrQmbXEps2aiAFbWhM78LhWx4cbbfAAtVT86zwu1RK7aPFFxuhDR1L6tSoc_BJECPebWKRXjBZCiFV4n3oknjhMs\
             tn64tZ_2W-5JsGY4Hc5n9yBXArwl93lqt7_RN5w6Cf0h4QyQ5v-65YGjQR0_FDW2QvzqY368QQMicAtaSqzs8KJZgnYb9c7d0zgdAZHzu6qMQvRL5hajrn1n91C\
             bOpbISD08qNLyrdkt-bFTWhAI4vMQFh6WeZu0fM4lFd2NcRwr3XPksINHaQ-G_xBniIqbw0Ls1jF44-csFCur-kEgU8awapJzKnqDKgw";
    let kid = thumbprint(n, "AQAB").expect("a kid");
    assert_eq!(kid.as_str(), "NzbLsXh8uDCcd-6MNwXF4W_7noWXFZAfHkxZsRGC9Xs");
}

#[test]
fn a_first_key_has_the_asked_size_and_its_own_kid() {
    let now = Timestamp::from_unix_seconds(1);
    let encryption_key = EncryptionKey::from_bytes([1; 32]);
    let key = first_key(&encryption_key, &crate::random::SystemRandom, now).expect("a key");
    assert_eq!(URL_SAFE_NO_PAD.decode(&key.modulus).expect("base64url").len(), 256);
    assert_eq!((key.exponent.as_str(), key.bits), ("AQAB", 2048));
    assert_eq!(key.kid, thumbprint(&key.modulus, &key.exponent).expect("a kid"));
    assert_eq!((key.publish_at, key.activate_at, key.retire_at), (now, now, None));
}

fn private() -> rsa::RsaPrivateKey {
    let key = NewKey::generate(2048).expect("a key");
    rsa::RsaPrivateKey::from_pkcs8_der(&key.der).expect("the same key")
}

/// One that `rsa` makes: of a size or with an exponent that we would not.
fn odd(bits: usize, exponent: u32) -> rsa::RsaPrivateKey {
    let exponent = rsa::BigUint::from(exponent);
    rsa::RsaPrivateKey::new_with_exp(&mut rsa::rand_core::OsRng, bits, &exponent).expect("a key")
}

#[test]
fn every_size_is_made_as_it_is_asked_for() {
    for bits in SIZES {
        assert_eq!(NewKey::generate(bits).expect("a key").bits, bits);
    }
    assert!(NewKey::generate(1024).is_err());
}

#[test]
fn both_dresses_of_a_customers_key_are_one_key() {
    use rsa::pkcs1::EncodeRsaPrivateKey as _;
    let private = private();
    let eight = private.to_pkcs8_pem(rsa::pkcs8::LineEnding::LF).expect("PEM");
    let one = private.to_pkcs1_pem(rsa::pkcs8::LineEnding::CRLF).expect("PEM");
    let kids = [&*eight, &*one, &format!("\n{}\n", *eight)].map(|text| {
        let key = NewKey::from_pem(text).expect("a key");
        assert_eq!(key.bits, 2048);
        key.kid
    });
    assert_eq!(kids[0], kids[1]);
    assert_eq!(kids[0], kids[2]);
}

#[test]
fn what_cannot_sign_for_us_is_refused_in_words() {
    use rsa::pkcs8::EncodePublicKey as _;
    let pem =
        |key: &rsa::RsaPrivateKey| key.to_pkcs8_pem(rsa::pkcs8::LineEnding::LF).expect("PEM").to_string();
    let fault = |text: &str| NewKey::from_pem(text).err();
    assert_eq!(fault(&pem(&odd(1024, EXPONENT))), Some(PemFault::Size));
    assert_eq!(fault(&pem(&odd(2056, EXPONENT))), Some(PemFault::Size));
    assert_eq!(fault(&pem(&odd(2048, 3))), Some(PemFault::Exponent));
    let good = private();
    let public = good.to_public_key().to_public_key_pem(rsa::pkcs8::LineEnding::LF).expect("PEM");
    assert_eq!(fault(&public), Some(PemFault::Public));
    for text in ["", "nonsense", "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n"] {
        assert_eq!(fault(text), Some(PemFault::NoKey), "{text}");
    }
    for label in ["ENCRYPTED PRIVATE KEY-----\nAAAA", "RSA PRIVATE KEY-----\nProc-Type: 4,ENCRYPTED\n\nAAAA"]
    {
        assert_eq!(fault(&format!("-----BEGIN {label}\n-----END")), Some(PemFault::Encrypted));
    }
}

#[test]
fn a_key_whose_numbers_do_not_belong_together_is_refused() {
    use base64::engine::general_purpose::STANDARD;
    let der = private().to_pkcs8_der().expect("DER").as_bytes().to_vec();
    let pem = |der: &[u8]| {
        let lines = STANDARD.encode(der).into_bytes();
        let lines: Vec<_> = lines.chunks(64).map(|line| String::from_utf8_lossy(line).into_owned()).collect();
        format!("-----BEGIN PRIVATE KEY-----\n{}\n-----END PRIVATE KEY-----\n", lines.join("\n"))
    };
    assert!(NewKey::from_pem(&pem(&der)).is_ok());
    // A bit of the modulus, of the private exponent and of a prime.
    for at in [100, 400, 650] {
        let mut damaged = der.clone();
        damaged[at] ^= 2;
        assert_eq!(NewKey::from_pem(&pem(&damaged)).err(), Some(PemFault::Inconsistent), "byte {at}");
    }
}

#[test]
fn a_public_half_is_what_openssl_reads() {
    let key = first_key(
        &EncryptionKey::from_bytes([1; 32]),
        &crate::random::SystemRandom,
        Timestamp::from_unix_seconds(1),
    );
    let key = key.expect("a key");
    let pem = public_pem(&key).expect("PEM");
    let read = <rsa::RsaPublicKey as rsa::pkcs8::DecodePublicKey>::from_public_key_pem(&pem).expect("a key");
    assert_eq!(URL_SAFE_NO_PAD.encode(read.n().to_bytes_be()), key.modulus);
    assert!(!pem.contains("PRIVATE"));
}
