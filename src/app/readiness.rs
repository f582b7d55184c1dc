//! Whether calls would be served now, and in words why not.

#[cfg(test)]
pub(crate) mod example;
mod looks;

use std::time::Duration;

use super::App;
use super::events::FAILURES_TOLD;
use super::retaining::CareStore;
use crate::domain::{Outage, Timestamp};

pub(super) use looks::Looks;

/// How long the store may take to show that it is there.
const STORE_DEADLINE: Duration = Duration::from_secs(1);

/// The answer to "are you ready?".
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
#[cfg_attr(test, derive(utoipa::ToSchema))]
pub(crate) struct Readiness {
    status: &'static str,
    /// The policy in force, by its hash.
    bundle: String,
    /// Why calls would not be served.
    problems: Vec<Finding>,
    /// What does not stop hook calls, but somebody should look at.
    warnings: Vec<Finding>,
}

/// One thing that is not as it should be.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
#[cfg_attr(test, derive(utoipa::ToSchema), schema(as = ReadinessFinding))]
struct Finding {
    code: &'static str,
    detail: String,
}

impl Readiness {
    /// Whether hook calls would be served.
    pub(crate) const fn is_ready(&self) -> bool {
        self.problems.is_empty()
    }
}

impl App {
    /// Looks at everything that a hook call needs: one look at a time, however many ask.
    pub(crate) async fn readiness(&self) -> Readiness {
        self.looks.share(self.look()).await
    }

    async fn look(&self) -> Readiness {
        let now = self.now();
        let mut problems = Vec::new();
        let mut warnings = Vec::new();
        if self.is_leaving() {
            let detail = "The server was told to end: calls that come are served, and are to go elsewhere (server.shutdown_lead).";
            problems.push(Finding { code: "leaving", detail: detail.to_owned() });
        }
        if self.parts.hook_keys.trusted(now).is_none() {
            problems.push(Finding {
                code: "no_trusted_key_set",
                detail: "Prelude's key set for hook calls could not be confirmed for 24 hours or was never fetched: check that \
                         its address can be reached (prelude.key_set_url)."
                    .to_owned(),
            });
        }
        if self.parts.step_up_keys.trusted(now).is_none() {
            warnings.push(Finding {
                code: "no_trusted_step_up_key_set",
                detail: "Prelude's key set for challenge tokens is not there: hook calls are answered, tokens cannot be minted \
                         (prelude.step_up_key_set_url)."
                    .to_owned(),
            });
        }
        problems.extend(self.store_finding().await);
        warnings.extend(self.signing_keys_finding(now));
        // A store that does not answer is told of above, and need not be asked once more.
        let answers = problems.iter().all(|problem| !problem.code.starts_with("store_"));
        if answers && let Ok(Ok(false)) = tokio::time::timeout(STORE_DEADLINE, self.desk_fits()).await {
            warnings.push(Finding {
                code: "desk_misfit",
                detail: "Entries of the fraud desk have no place in the policy in force here: the log names their lists, \
                         `doorstep lists show` the entries."
                    .to_owned(),
            });
        }
        if answers {
            warnings.extend(self.event_findings(now).await);
        }
        if let Some(kid) = self.retired_key_in_use() {
            let detail = format!(
                "Prelude's set has the key {kid} again, whose signatures were forgotten after it had been withdrawn: calls signed by \
                 it are refused, because a replay could not be told. Ask Prelude for another key."
            );
            warnings.push(Finding { code: "retired_key_returned", detail });
        }
        if let Some(failure) = self.last_retention.failure() {
            let detail = format!(
                "What has had its time could not all be deleted: {failure}. It is tried again within the hour (store.care_url, [retention])."
            );
            warnings.push(Finding { code: "retention_failed", detail });
        }
        if let Some(detail) = self.parts.policies.warning(now) {
            warnings.push(Finding { code: "policy_reload_failed", detail });
        }
        let status = if !problems.is_empty() {
            "not_ready"
        } else if !warnings.is_empty() {
            "degraded"
        } else {
            "ready"
        };
        Readiness { status, bundle: self.bundle_hash().to_string(), problems, warnings }
    }

    /// What Prelude's events have somebody look at. A store that does not answer is told of elsewhere.
    async fn event_findings(&self, now: Timestamp) -> Vec<Finding> {
        if !self.takes_events() {
            return Vec::new();
        }
        let store = &self.parts.store;
        let looks = async {
            let failures = store.hook_failures(now.minus(FAILURES_TOLD)).await;
            let waiting = store.erasures_waiting().await;
            (failures, waiting, store.may_erase().await)
        };
        let looked = tokio::time::timeout(STORE_DEADLINE, Box::pin(looks)).await;
        let Ok((failures, waiting, may_erase)) = looked else { return Vec::new() };
        let mut findings = Vec::new();
        if let Ok(failures) = failures
            && !failures.is_empty()
        {
            let reasons: Vec<_> =
                failures.iter().map(|(reason, times)| format!("{reason} ({times})")).collect();
            let detail = format!(
                "Prelude could not use answers of the hook within the last hour: {}. Users got an error instead of a verdict.",
                reasons.join(", ")
            );
            findings.push(Finding { code: "hook_failed", detail });
        }
        let is_nobodys = matches!(self.parts.care, CareStore::Nobodys);
        if let (Ok(waiting @ 1..), Ok(false), true) = (waiting, may_erase, is_nobodys) {
            let detail = format!(
                "Users whom Prelude deleted wait to be erased: {waiting}. This server's role may not erase anybody: run \
                 `doorstep erase-user --queued` as one that may, or set store.care_url."
            );
            findings.push(Finding { code: "erasures_waiting", detail });
        }
        findings
    }

    /// What keeps verdicts from being recorded: what a look at the store meets now, or what the last verdicts met.
    async fn store_finding(&self) -> Option<Finding> {
        let store = &self.parts.store;
        let met = match tokio::time::timeout(STORE_DEADLINE, store.ping()).await {
            Ok(Ok(())) => None,
            Ok(Err(fault)) => Some(fault.outage().unwrap_or(Outage::Other)),
            Err(_) => {
                store.was_late();
                Some(Outage::TimedOut)
            }
        };
        let known = store.outage().await;
        let outage = match met {
            // What is known of it may say more.
            Some(Outage::TimedOut | Outage::Other) => known.or(met),
            _ => met.or(known),
        }?;
        let detail = format!("Verdicts cannot be recorded. {}", outage.advice());
        Some(Finding { code: outage.code(), detail })
    }

    /// What keeps tokens from being signed.
    fn signing_keys_finding(&self, now: Timestamp) -> Option<Finding> {
        match self.ring() {
            Ok(ring) if ring.signer_at(now).is_some() => None,
            Ok(_) => Some(Finding {
                code: "no_active_signing_key",
                detail: "No signing key is active: tokens cannot be minted.".to_owned(),
            }),
            Err(stale) => Some(Finding {
                code: "signing_keys_stale",
                detail: format!("{stale}: tokens cannot be minted until the store answers."),
            }),
        }
    }
}
