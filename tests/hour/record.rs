//! The rows of the record, as both engines have them.

use std::collections::HashMap;

use serde::Deserialize;
use serde::de::DeserializeOwned;

use crate::place::Place;

#[derive(Debug, Deserialize)]
pub(crate) struct Decision {
    pub(crate) id: String,
    pub(crate) signature_hash: String,
    pub(crate) user_id: String,
    pub(crate) scope: String,
    pub(crate) received_at: i64,
    pub(crate) verdict: String,
    pub(crate) rule: Option<String>,
    pub(crate) reason: String,
    pub(crate) answer: String,
    pub(crate) usable_until: Option<i64>,
    pub(crate) desk_revision: i64,
}

#[derive(Debug, Deserialize)]
pub(crate) struct Redemption {
    pub(crate) decision_id: String,
    pub(crate) redeemed_at: i64,
    pub(crate) user_id: String,
}

#[derive(Debug, Deserialize)]
pub(crate) struct Verification {
    pub(crate) id: String,
    pub(crate) decision_id: Option<String>,
    pub(crate) challenge_id: String,
    pub(crate) user_id: String,
    pub(crate) state: String,
    pub(crate) decided_at: Option<i64>,
    pub(crate) withdrawn_at: Option<i64>,
}

#[derive(Debug, Deserialize)]
pub(crate) struct Event {
    pub(crate) verification_id: String,
    pub(crate) kind: String,
}

#[derive(Debug, Deserialize)]
pub(crate) struct Token {
    pub(crate) jti: String,
    pub(crate) kid: String,
    pub(crate) verification_id: Option<String>,
    pub(crate) issued_at: i64,
    pub(crate) expires_at: i64,
}

#[derive(Debug, Deserialize)]
pub(crate) struct Fact {
    pub(crate) user_id: String,
    pub(crate) kind: String,
    pub(crate) happened_at: i64,
    pub(crate) id: Option<String>,
}

#[derive(Debug, Deserialize)]
pub(crate) struct DeskAction {
    pub(crate) revision: i64,
    pub(crate) deed: String,
    pub(crate) subject: String,
    pub(crate) until: Option<i64>,
    pub(crate) reason: String,
}

#[derive(Debug, Deserialize)]
pub(crate) struct ProviderEvent {
    pub(crate) body_sha256: String,
    pub(crate) verification_id: Option<String>,
}

#[derive(Debug, Deserialize)]
pub(crate) struct SigningKey {
    pub(crate) kid: String,
}

/// All of them, in the order in which they were written.
pub(crate) struct Rows {
    pub(crate) decisions: Vec<Decision>,
    pub(crate) redemptions: Vec<Redemption>,
    pub(crate) verifications: Vec<Verification>,
    pub(crate) events: Vec<Event>,
    pub(crate) tokens: Vec<Token>,
    pub(crate) facts: Vec<Fact>,
    pub(crate) desk: Vec<DeskAction>,
    pub(crate) provider_events: Vec<ProviderEvent>,
    pub(crate) keys: Vec<SigningKey>,
    redeemed: HashMap<String, i64>,
}

impl Rows {
    /// Reads all while no server is asked anything.
    pub(crate) async fn of(place: &Place) -> Self {
        let redemptions: Vec<Redemption> =
            all(place, "redemptions", "decision_id:uuid redeemed_at user_id").await;
        let redeemed = redemptions.iter().map(|row| (row.decision_id.clone(), row.redeemed_at)).collect();
        let decisions = "seq id:uuid signature_hash:bytes user_id scope received_at verdict rule reason answer \
                         usable_until desk_revision";
        let verifications = "seq id:uuid decision_id:uuid challenge_id user_id state decided_at withdrawn_at";
        let tokens = "issued_at jti kid verification_id:uuid expires_at";
        let provider_events = "seq body_sha256:bytes verification_id:uuid";
        Self {
            decisions: all(place, "decisions", decisions).await,
            redemptions,
            verifications: all(place, "verifications", verifications).await,
            events: all(place, "verification_events", "seq verification_id:uuid kind").await,
            tokens: all(place, "verification_tokens", tokens).await,
            facts: all(place, "facts", "seq user_id kind happened_at id").await,
            desk: all(place, "desk_actions", "revision deed subject until reason").await,
            provider_events: all(place, "provider_events", provider_events).await,
            keys: all(place, "signing_keys", "created_at kid").await,
            redeemed,
        }
    }

    /// The number of an action of the desk, by its reason.
    pub(crate) fn revision(&self, case: &str) -> Option<i64> {
        self.desk.iter().find(|action| action.reason == case).map(|action| action.revision)
    }

    /// When a decision was redeemed.
    pub(crate) fn redeemed_at(&self, decision: &str) -> Option<i64> {
        self.redeemed.get(decision).copied()
    }
}

/// Rows in the order of their first column. Each comes as one JSON text, so that both engines are read alike; digests and ids
/// are hexadecimal.
async fn all<T: DeserializeOwned>(place: &Place, table: &str, columns: &str) -> Vec<T> {
    let (mut file, mut database) = (Vec::new(), Vec::new());
    for column in columns.split_whitespace() {
        let (name, kind) = column.split_once(':').unwrap_or((column, ""));
        file.push(match kind {
            "" => format!("'{name}', {name}"),
            _ => format!("'{name}', nullif(lower(hex({name})), '')"),
        });
        database.push(match kind {
            "uuid" => format!("'{name}', replace({name}::text, '-', '')"),
            "bytes" => format!("'{name}', encode({name}, 'hex')"),
            _ => format!("'{name}', {name}"),
        });
    }
    let first = columns.split([' ', ':']).next().unwrap_or_default();
    let select = |function: &str, columns: &[String], cast: &str| {
        format!("SELECT {function}({}){cast} FROM {table} ORDER BY {table}.{first}", columns.join(", "))
    };
    let texts =
        place.texts(select("json_object", &file, ""), select("json_build_object", &database, "::text")).await;
    texts
        .iter()
        .map(|text| serde_json::from_str(text).unwrap_or_else(|fault| panic!("{text}: {fault}")))
        .collect()
}
