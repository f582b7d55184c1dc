//! `doorstep prelude`: Prelude's side as code, from the bundle and the settings.

use std::io::{BufRead as _, IsTerminal as _};

use serde_json::json;

use super::arguments::{Format, HowOptions, PlanOptions, PreludeCommand, Shape, WebhooksCommand};
use super::desk::{refuse, sentence};
use super::{Exit, live, output, policy};
use crate::app::{DelegationShape, Registrar, Registration, RegistrationChoices, RegistrationError};
use crate::boot;
use crate::config::{Settings, VerificationToken};
use crate::policy::{Bundle, load_dir_in_force};

pub(super) async fn run(settings: Settings, command: PreludeCommand, format: Format) -> Exit {
    let done = boot::traced(&settings, work(&settings, &command, format)).await;
    done.unwrap_or_else(|error| refuse(Exit::Failed, &sentence(&error)))
}

async fn work(settings: &Settings, command: &PreludeCommand, format: Format) -> Exit {
    let nothing_chosen =
        PlanOptions { prune_steps: false, replace_jwks_url: false, shape: None, server: None };
    let plan_options = match command {
        PreludeCommand::Plan(plan) | PreludeCommand::Apply { plan, .. } => plan,
        PreludeCommand::Show | PreludeCommand::Webhooks(_) => &nothing_chosen,
    };
    let site = match Site::open(settings, plan_options, format) {
        Ok(site) => site,
        Err(exit) => return exit,
    };
    match command {
        PreludeCommand::Show => site.show().await,
        PreludeCommand::Plan(plan) => match site.planned(plan).await {
            Ok(registration) => site.tell(&registration),
            Err(exit) => exit,
        },
        PreludeCommand::Apply { plan, how } => match site.planned(plan).await {
            Ok(registration) => site.apply(&registration, how).await,
            Err(exit) => exit,
        },
        PreludeCommand::Webhooks(WebhooksCommand::Plan) => match site.planned_webhook().await {
            Ok(registration) => site.tell(&registration),
            Err(exit) => exit,
        },
        PreludeCommand::Webhooks(WebhooksCommand::Apply { how }) => match site.planned_webhook().await {
            Ok(registration) => site.apply(&registration, how).await,
            Err(exit) => exit,
        },
    }
}

/// Prelude's side and ours.
struct Site<'s> {
    settings: &'s Settings,
    registrar: Registrar,
    format: Format,
}

impl<'s> Site<'s> {
    fn open(settings: &'s Settings, plan: &PlanOptions, format: Format) -> Result<Self, Exit> {
        let dir = &settings.policies.dir;
        let bundle: Bundle = load_dir_in_force(dir).map_err(|faults| {
            policy::show(dir, &faults, format);
            Exit::BundleInvalid
        })?;
        let shape = match plan.shape {
            Some(Shape::PerScope) => DelegationShape::PerScope,
            Some(Shape::OneHook) => DelegationShape::OneHook,
            None => boot::delegation_shape(settings),
        };
        let choices = RegistrationChoices {
            shape,
            prune_steps: plan.prune_steps,
            replace_jwks_url: plan.replace_jwks_url,
        };
        let registrar = boot::open_registrar(settings, &bundle, choices)
            .map_err(|error| refuse(Exit::Usage, &sentence(&error)))?;
        Ok(Self { settings, registrar, format })
    }

    async fn show(&self) -> Exit {
        match self.registrar.show().await {
            Ok(held) => {
                // People read the same document, over several lines.
                let text = match self.format {
                    Format::Json => held.to_string(),
                    Format::Human => format!("{held:#}"),
                };
                output::say(&text);
                Exit::Fine
            }
            Err(error) => refuse(Exit::Failed, &sentence(&error)),
        }
    }

    async fn planned(&self, plan: &PlanOptions) -> Result<Registration, Exit> {
        let failed = |error| refuse(Exit::Failed, &sentence(&error));
        match &plan.server {
            Some(server) => self.registrar.compare_with(server).await.map_err(failed)?,
            None => self.compare_here().await.map_err(failed)?,
        }
        self.registrar.plan().await.map_err(failed)
    }

    /// Where a server of these settings runs on this machine it must have the same bundle; nobody need be there.
    async fn compare_here(&self) -> Result<(), RegistrationError> {
        let Some(here) = live::plain_url(&self.settings.server) else { return Ok(()) };
        match self.registrar.compare_with(&here).await {
            Err(other @ RegistrationError::OtherBundle { .. }) => Err(other),
            _ => Ok(()),
        }
    }

    async fn planned_webhook(&self) -> Result<Registration, Exit> {
        self.registrar.plan_webhook().await.map_err(|error| refuse(Exit::Failed, &sentence(&error)))
    }

    /// Prints a plan, and tells whether there is anything to do.
    fn tell(&self, registration: &Registration) -> Exit {
        match self.format {
            Format::Json => output::say(&registration.to_json().to_string()),
            Format::Human => self.print(registration),
        }
        if registration.is_empty() { Exit::Fine } else { Exit::PlanDiffers }
    }

    fn print(&self, registration: &Registration) {
        registration.lines().iter().for_each(|line| output::say(line));
        registration.notes().iter().for_each(|note| output::complain(&format!("Note: {note}.")));
        if registration.is_empty() {
            output::complain("Prelude's side agrees with ours: there is nothing to do.");
        }
    }

    async fn apply(&self, registration: &Registration, how: &HowOptions) -> Exit {
        let token = self.settings.prelude.verification_token.as_ref().map(VerificationToken::secret);
        if registration.makes_webhook() && token.is_none() && !how.dry_run {
            return refuse(
                Exit::Usage,
                "Not done: a webhook needs prelude.verification_token, or a file with it.",
            );
        }
        if how.dry_run {
            output::say(&self.registrar.curl(registration));
            return Exit::Fine;
        }
        if self.format == Format::Human || registration.is_empty() {
            self.print(registration);
        }
        if registration.is_empty() {
            return self.done(registration);
        }
        if !how.yes
            && let Err(exit) = ask()
        {
            return exit;
        }
        match self.registrar.apply(registration, token.as_ref()).await {
            Ok(()) => self.done(registration),
            Err(error) => {
                let words =
                    format!("{} What was sent stays; planning again tells what is left.", sentence(&error));
                refuse(Exit::Failed, &words)
            }
        }
    }

    fn done(&self, registration: &Registration) -> Exit {
        if self.format == Format::Json {
            let mut told = registration.to_json();
            if let Some(told) = told.as_object_mut() {
                told.insert("applied".to_owned(), json!(!registration.is_empty()));
            }
            output::say(&told.to_string());
        }
        if !registration.is_empty() {
            output::complain("Done: Prelude's side agrees with ours.");
        }
        Exit::Fine
    }
}

/// Asks whether to go on; somebody must be there to answer.
fn ask() -> Result<(), Exit> {
    let stdin = std::io::stdin();
    if !stdin.is_terminal() {
        return Err(refuse(Exit::Usage, "Not done: nobody is here to ask. --yes does it without asking."));
    }
    output::complain("Send this to Prelude? Type yes to go on.");
    let mut answer = String::new();
    match stdin.lock().read_line(&mut answer) {
        Ok(_) if answer.trim() == "yes" => Ok(()),
        _ => Err(refuse(Exit::Failed, "Not done.")),
    }
}
