//! What is wrong with policy files or a request, as it leaves.

use serde::Serialize;

use super::super::obstacle::Obstacle;
use crate::policy::{Diagnostics, Severity};

/// The most findings that one answer tells.
const TOLD_MAX: usize = 100;

/// What is said of a fault in a request besides its code, its place and the way out.
const OF_A_REQUEST: &str = "the request has a fault here";

/// A finding: where, what, and a way out. The source line stays where it is: it may hold somebody's name.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(utoipa::ToSchema))]
pub(crate) struct PolicyFault {
    severity: Severity,
    code: &'static str,
    file: String,
    line: usize,
    column: usize,
    message: String,
    help: String,
}

/// Findings, as many as are told, and how many there are.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize)]
#[cfg_attr(test, derive(utoipa::ToSchema))]
pub(crate) struct PolicyFaults {
    /// How many there are.
    pub(crate) fault_count: usize,
    /// The first of them, by file and line.
    pub(crate) faults: Vec<PolicyFault>,
}

impl PolicyFaults {
    /// Takes findings in policy files over.
    pub(in crate::app) fn of(diagnostics: &Diagnostics) -> Self {
        Self::taken(&diagnostics.discreet())
    }

    /// Takes findings in a request over: their messages quote it, and it is about somebody.
    pub(in crate::app) fn of_request(diagnostics: &Diagnostics) -> Self {
        let mut told = Self::taken(diagnostics);
        told.faults.iter_mut().for_each(|fault| OF_A_REQUEST.clone_into(&mut fault.message));
        told
    }

    fn taken(diagnostics: &Diagnostics) -> Self {
        let faults = diagnostics.iter().take(TOLD_MAX).map(|found| PolicyFault {
            severity: found.severity,
            code: found.code.as_str(),
            file: found.file.clone(),
            line: found.line,
            column: found.column,
            message: found.message.clone(),
            help: found.help.clone(),
        });
        Self { fault_count: diagnostics.iter().len(), faults: faults.collect() }
    }

    /// Takes over why right files cannot come into force.
    pub(in crate::app) fn of_obstacle(obstacle: &Obstacle) -> Self {
        let fault = PolicyFault {
            severity: Severity::Error,
            code: obstacle.code(),
            file: ".".to_owned(),
            line: 1,
            column: 1,
            message: obstacle.message().to_owned(),
            help: obstacle.help(),
        };
        Self { fault_count: 1, faults: vec![fault] }
    }

    /// Stands for a check that never came to its end.
    pub(in crate::app) fn of_a_stopped_check() -> Self {
        let fault = PolicyFault {
            severity: Severity::Error,
            code: "check_stopped",
            file: ".".to_owned(),
            line: 1,
            column: 1,
            message: "the check of the files broke off".to_owned(),
            help: "`doorstep policy check` shows what happens".to_owned(),
        };
        Self { fault_count: 1, faults: vec![fault] }
    }
}
