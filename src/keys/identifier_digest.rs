//! Keyed digests of what must be compared but not kept: metadata, and through it phone numbers and e-mail addresses.

use aws_lc_rs::hmac;

use crate::domain::{Anchor, EventContent, Metadata, Subject, SubjectKey};

/// Computes HMAC-SHA256 under a key of its own, which survives a change of the encryption key.
///
/// A plain hash of a phone number is undone by trying all numbers; without the key this one is not.
#[derive(Clone)]
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
        whole(&context.sign())
    }

    /// The digest of what an event of Prelude's says.
    pub(crate) fn of_event(&self, content: &EventContent) -> [u8; 32] {
        let mut context = hmac::Context::with_key(&self.0);
        context.update(b"event\0");
        context.update(content.0.as_bytes());
        whole(&context.sign())
    }

    /// Shows that an anchor is ours: who has the record and not the key can leave none.
    pub(crate) fn of_anchor(&self, anchor: &Anchor) -> [u8; 32] {
        let mut context = hmac::Context::with_key(&self.0);
        context.update(b"anchor\0");
        context.update(anchor.head.chain.uuid().as_bytes());
        for number in [anchor.first, anchor.head.number, anchor.left_at.unix_micros()] {
            context.update(&number.to_be_bytes());
        }
        context.update(&anchor.head.hash);
        whole(&context.sign())
    }

    /// The digest of one subject: the first 128 bits, which two subjects do not share by chance.
    pub(crate) fn of_subject(&self, subject: &Subject, text: &str) -> SubjectKey {
        // Put together first: there are several a call, and each update costs more than its bytes do.
        let (kind, field): (&[u8], &str) = match subject {
            Subject::User => (b"user", ""),
            Subject::Ip => (b"ip", ""),
            Subject::Identifier => (b"identifier", ""),
            Subject::Metadata(field) => (b"metadata.", field),
        };
        let covered = [b"subject\0", kind, field.as_bytes(), b"\0", text.as_bytes()].concat();
        let tag = hmac::sign(&self.0, &covered);
        SubjectKey::new(tag.as_ref().get(..SubjectKey::BYTES).unwrap_or_default())
    }
}

fn whole(tag: &hmac::Tag) -> [u8; 32] {
    let mut digest = [0; 32];
    digest.iter_mut().zip(tag.as_ref()).for_each(|(to, from)| *to = *from);
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

    #[test]
    fn only_the_same_subject_under_the_same_key_shares_a_key() {
        let digest = IdentifierDigest::new(&[1; 32]);
        let payee = |name: &str| Subject::Metadata(name.into());
        let base = digest.of_subject(&payee("payee"), "DE1");
        assert_eq!(base, digest.of_subject(&payee("payee"), "DE1"));
        assert_eq!(base.as_bytes().len(), 16);
        let others = [
            digest.of_subject(&payee("payee"), "DE2"),
            digest.of_subject(&payee("payees"), "DE1"),
            digest.of_subject(&Subject::User, "DE1"),
            IdentifierDigest::new(&[2; 32]).of_subject(&payee("payee"), "DE1"),
        ];
        assert!(others.iter().all(|other| *other != base));
    }

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
        assert_ne!(base, IdentifierDigest::new(&[2; 32]).of_metadata(&metadata(&[("a", "1"), ("b", "2")])));
    }
}
