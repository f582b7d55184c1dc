//! What `doorstep doctor --prelude` looks at besides: whether Prelude's side and ours agree, and whether Prelude could find us.

use super::{Finding, Health};
use crate::app::RegistrationChoices;
use crate::boot::registrar::{delegation_shape, open_registrar};
use crate::boot::{Sources, read_ca};
use crate::config::{HttpUrl, Settings};
use crate::policy::{Bundle, load_dir};
use crate::prelude::{HOOK_PATH, JWKS_PATH, Seen, look};

const CONFIGURATION: &str = "Prelude's side";
const HOOK: &str = "hook address";
const KEY_SET: &str = "our key set";

/// Looks at Prelude's configuration, the hook's address and our key set's, from here.
pub(crate) async fn prelude_side(settings: &Settings, sources: &Sources) -> Vec<Finding> {
    let bundle = load_dir(&settings.policies.dir, sources.clock.now()).ok();
    let configuration = match &bundle {
        Some(bundle) => configuration(settings, bundle).await,
        None => Finding::new(Health::Doubtful, CONFIGURATION, "not looked at: the policies do not load"),
    };
    let Some(public_url) = &settings.prelude.public_url else {
        let unknown =
            |subject| Finding::new(Health::Doubtful, subject, "not looked at: prelude.public_url is not set");
        return vec![configuration, unknown(HOOK), unknown(KEY_SET)];
    };
    vec![configuration, hook(settings, public_url).await, key_set(settings, public_url).await]
}

/// Prelude must hold what the bundle and the settings say: every scope of ours is covered by the bundle, and the other way round.
async fn configuration(settings: &Settings, bundle: &Bundle) -> Finding {
    let shape = delegation_shape(settings);
    let choices = RegistrationChoices { shape, prune_steps: false, replace_jwks_url: false };
    let broken = |words: String| Finding::new(Health::Broken, CONFIGURATION, words);
    let registrar = match open_registrar(settings, bundle, choices) {
        Ok(registrar) => registrar,
        Err(error) => {
            return Finding::new(Health::Doubtful, CONFIGURATION, format!("not looked at: {error}"));
        }
    };
    match registrar.plan().await {
        Ok(plan) if plan.is_empty() && plan.notes().is_empty() => {
            let words = format!("holds what the bundle says: {} scopes are covered", bundle.scopes().len());
            Finding::new(Health::Fine, CONFIGURATION, words)
        }
        Ok(plan) if plan.is_empty() => {
            Finding::new(Health::Doubtful, CONFIGURATION, plan.notes().join("\n  "))
        }
        Ok(plan) => {
            let lines = plan.lines().join("\n  ");
            broken(format!(
                "differs from the bundle; `doorstep prelude apply` brings it into agreement:\n  {lines}"
            ))
        }
        Err(error) => broken(error.to_string()),
    }
}

async fn hook(settings: &Settings, public_url: &HttpUrl) -> Finding {
    let is_there = |seen: &Seen| seen.is_hook().then(|| "takes calls".to_owned());
    at(settings, (HOOK, public_url), (HOOK_PATH, "no Doorstep answers there"), is_there).await
}

async fn key_set(settings: &Settings, public_url: &HttpUrl) -> Finding {
    let served = |seen: &Seen| (seen.keys() > 0).then(|| format!("serves {} keys", seen.keys()));
    at(settings, (KEY_SET, public_url), (JWKS_PATH, "no key set is served there"), served).await
}

/// Looks at an address of ours over https, as Prelude would.
async fn at(
    settings: &Settings,
    (subject, public_url): (&'static str, &HttpUrl),
    (path, otherwise): (&str, &str),
    is_right: impl Fn(&Seen) -> Option<String>,
) -> Finding {
    let url = format!("{}{path}", public_url.as_str().trim_end_matches('/'));
    let broken = |words: String| Finding::new(Health::Broken, subject, format!("{url}: {words}"));
    if public_url.is_plain() {
        return broken("is plain http, which Prelude does not call".to_owned());
    }
    let ca_pem = match settings.prelude.ca_file.as_deref().map(read_ca).transpose() {
        Ok(ca_pem) => ca_pem,
        Err(error) => return broken(error.to_string()),
    };
    match look(&url, ca_pem.as_deref()).await {
        Ok(seen) => match is_right(&seen) {
            Some(words) => Finding::new(Health::Fine, subject, format!("{url}: {words}")),
            None => broken(format!("{otherwise} (status {})", seen.status)),
        },
        Err(fault) => broken(format!("{fault}; check DNS, TLS and what stands in front")),
    }
}
