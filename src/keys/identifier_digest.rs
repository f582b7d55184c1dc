//! Keyed digests of what must be compared but not kept: metadata, and through it phone numbers and e-mail addresses.

use aws_lc_rs::hmac;

use crate::domain::{Metadata, UserId};

/// Computes HMAC-SHA256 under a key of its own, which survives a change of the encryption key.
///
/// A plain hash of a phone number is undone by trying all numbers; without the key this one is not.
pub(crate) struct IdentifierDigest(hmac::Key);

impl IdentifierDigest {
    /// Under which name the key is sealed and stored.
    pub(crate) const SECRET_NAME: &'static str = "identifier-digest-key";

    /// Takes the 256-bit key.
    pub(crate) fn new(key: &[u8; 32]) -> Self {
        Self(hmac::Key::new(hmac::HMAC_SHA256, key))
    }

    /// The digest of exactly these fields: each name and value with its length before it, in name order, so that no two
    /// sets of fields share a digest.
    pub(crate) fn of_metadata(&self, metadata: &Metadata) -> [u8; 32] {
        let mut context = hmac::Context::with_key(&self.0);
        context.update(b"metadata\0");
        for text in metadata.iter().flat_map(|(name, value)| [name, value]) {
            context.update(&text.len().to_be_bytes());
            context.update(text.as_bytes());
        }
        digest_of(context)
    }

    /// The digest of a user's id, which no digest of metadata equals.
    pub(crate) fn of_user(&self, user_id: &UserId) -> [u8; 32] {
        let mut context = hmac::Context::with_key(&self.0);
        context.update(b"user\0");
        context.update(user_id.as_str().as_bytes());
        digest_of(context)
    }
}

fn digest_of(context: hmac::Context) -> [u8; 32] {
    let mut digest = [0; 32];
    digest.iter_mut().zip(context.sign().as_ref()).for_each(|(to, from)| *to = *from);
    digest
}

impl std::fmt::Debug for IdentifierDigest {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("IdentifierDigest(…)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn metadata(fields: &[(&str, &str)]) -> Metadata {
        Metadata::new(fields.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())))
            .expect("in bounds")
    }

    #[test]
    fn only_the_same_fields_under_the_same_key_share_a_digest() {
        let digest = IdentifierDigest::new(&[1; 32]);
        let base = digest.of_metadata(&metadata(&[("a", "1"), ("b", "2")]));
        assert_eq!(base, digest.of_metadata(&metadata(&[("b", "2"), ("a", "1")])));
        let others: [&[(&str, &str)]; 4] =
            [&[], &[("a", "1")], &[("a", "1b"), ("", "2")], &[("a", "1"), ("b", "3")]];
        for fields in others.into_iter().filter(|fields| fields.iter().all(|(name, _)| !name.is_empty())) {
            assert_ne!(base, digest.of_metadata(&metadata(fields)));
        }
        assert_ne!(
            digest.of_metadata(&metadata(&[("a", "1b2")])),
            digest.of_metadata(&metadata(&[("a1", "b2")]))
        );
        let user = |id: &str| digest.of_user(&UserId::new(id).expect("an id"));
        assert_eq!(user("a"), user("a"));
        assert_ne!(user("a"), user("b"));
        assert_ne!(user("a"), IdentifierDigest::new(&[2; 32]).of_user(&UserId::new("a").expect("an id")));
        assert_ne!(base, IdentifierDigest::new(&[2; 32]).of_metadata(&metadata(&[("a", "1"), ("b", "2")])));
    }
}
