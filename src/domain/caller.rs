//! Who calls our API, and what they may do.

use std::fmt;

use super::{ApiKeyId, Scope, StepKey, Timestamp};

/// What an API key may do. Nobody has a role that was not given.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum Role {
    /// May open a verification from a challenge token.
    Opener,
    /// May approve and reject, as what the key says ([`Approver`]).
    Approver,
    /// May have tokens minted for what was approved.
    Minter,
    /// May name a challenge without its token: the backend vouches for it itself.
    Voucher,
    /// May have grants spent: the customer's service that executes what was granted.
    Executor,
    /// May report facts: what happened to users outside of Doorstep.
    Facts,
    /// May read decisions and verifications.
    Reader,
    /// May act at the fraud desk: change lists, pause scopes.
    Desk,
    /// May ask what the policy would say, without a verdict.
    Evaluator,
    /// May do what changes the installation.
    Admin,
}

impl Role {
    /// Every role.
    pub(crate) const ALL: [Self; 10] = [
        Self::Opener,
        Self::Approver,
        Self::Minter,
        Self::Voucher,
        Self::Executor,
        Self::Facts,
        Self::Reader,
        Self::Evaluator,
        Self::Desk,
        Self::Admin,
    ];

    /// The role's name in commands, answers and the store.
    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Self::Opener => "opener",
            Self::Approver => "approver",
            Self::Minter => "minter",
            Self::Voucher => "voucher",
            Self::Executor => "executor",
            Self::Facts => "facts",
            Self::Reader => "reader",
            Self::Desk => "desk",
            Self::Evaluator => "evaluator",
            Self::Admin => "admin",
        }
    }

    /// Reads a role's name.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|role| role.as_str() == text)
    }
}

impl fmt::Display for Role {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// Who can say that a custom step is done (`approved_by` in `steps.yaml`).
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum Approver {
    /// The customer's own systems.
    Backend,
    /// A person at a desk.
    Person,
    /// An identity-check provider, by the name it is configured under.
    Provider(Box<str>),
}

impl Approver {
    /// Reads `backend`, `person` or `provider:NAME`.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        match text {
            "backend" => Some(Self::Backend),
            "person" => Some(Self::Person),
            other => other
                .strip_prefix("provider:")
                .filter(|name| !name.is_empty())
                .map(|name| Self::Provider(name.into())),
        }
    }
}

impl fmt::Display for Approver {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Backend => f.write_str("backend"),
            Self::Person => f.write_str("person"),
            Self::Provider(name) => write!(f, "provider:{name}"),
        }
    }
}

/// An API key as it is kept: everything but the secret.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct ApiKeyRecord {
    /// The public part of the key.
    pub(crate) id: ApiKeyId,
    /// What people call it.
    pub(crate) name: String,
    /// What it may do; sorted, no role twice.
    pub(crate) roles: Vec<Role>,
    /// As what an `approver` approves.
    pub(crate) approves_as: Option<Approver>,
    /// The scopes it is limited to; empty means all.
    pub(crate) scopes: Vec<Scope>,
    /// The steps it is limited to; empty means all.
    pub(crate) steps: Vec<StepKey>,
    /// When it was made.
    pub(crate) created_at: Timestamp,
    /// When it ends by itself.
    pub(crate) expires_at: Option<Timestamp>,
    /// When it was withdrawn.
    pub(crate) revoked_at: Option<Timestamp>,
}

impl ApiKeyRecord {
    /// Whether the key is good at `now`: not withdrawn and not past its end.
    pub(crate) fn is_live(&self, now: Timestamp) -> bool {
        self.revoked_at.is_none() && self.expires_at.is_none_or(|end| now < end)
    }
}

/// A caller whose API key was checked. Only `app::access` builds one.
#[derive(Debug, Clone)]
pub(crate) struct Caller(std::sync::Arc<ApiKeyRecord>);

impl Caller {
    /// Stands for a key that was found, is live and whose secret was right.
    pub(crate) const fn of_checked_key(key: std::sync::Arc<ApiKeyRecord>) -> Self {
        Self(key)
    }

    /// The key that called.
    pub(crate) fn key_id(&self) -> &ApiKeyId {
        &self.0.id
    }

    /// Whether the key has the role.
    pub(crate) fn has(&self, role: Role) -> bool {
        self.0.roles.contains(&role)
    }

    /// Whether the key approves as `approver`.
    pub(crate) fn approves_as(&self, approver: &Approver) -> bool {
        self.has(Role::Approver) && self.0.approves_as.as_ref() == Some(approver)
    }

    /// The scopes that the key is limited to, if it is.
    pub(crate) fn scope_limits(&self) -> Option<&[Scope]> {
        (!self.0.scopes.is_empty()).then_some(self.0.scopes.as_slice())
    }

    /// The steps that the key is limited to, if it is.
    pub(crate) fn step_limits(&self) -> Option<&[StepKey]> {
        (!self.0.steps.is_empty()).then_some(self.0.steps.as_slice())
    }

    /// Whether the key is limited to scopes or steps: what concerns a user in every scope is then out of its reach.
    pub(crate) fn is_limited(&self) -> bool {
        self.scope_limits().is_some() || self.step_limits().is_some()
    }

    /// Whether the key's limits let it see what concerns this scope.
    pub(crate) fn may_see(&self, scope: &Scope) -> bool {
        self.scope_limits().is_none_or(|scopes| scopes.contains(scope))
    }

    /// Whether the key's limits let it act for this scope and step.
    pub(crate) fn may_touch(&self, scope: &Scope, step: &StepKey) -> bool {
        self.may_see(scope) && (self.0.steps.is_empty() || self.0.steps.contains(step))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn role_and_approver_names_read_back() {
        for role in Role::ALL {
            assert_eq!(Role::parse(role.as_str()), Some(role));
        }
        for text in ["backend", "person", "provider:sumsub"] {
            assert_eq!(Approver::parse(text).map(|approver| approver.to_string()).as_deref(), Some(text));
        }
        assert_eq!(Approver::parse("provider:"), None);
        assert_eq!(Role::parse("root"), None);
    }
}
