//! What the end of the program tells a script: a few numbers that never change their meaning.

use std::fmt;

/// How a command ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ExitCode {
    /// It did what it was asked.
    Ok,
    /// It failed, or part of it did: an item was refused, a check did not pass, the ledger does not add up.
    Failed,
    /// The command line itself cannot be understood.
    Usage,
    /// What was named does not exist, or is not for this key to know.
    NotFound,
    /// The service said no: the key, the role, the state of the thing, or what is wrong with the input.
    Refused,
    /// No service answered, or it asked to be left alone for longer than the command waits. (`EX_UNAVAILABLE`)
    Unreachable,
    /// The settings of this machine cannot be used. (`EX_CONFIG`)
    Config,
}

/// The meanings as `--help` shows them.
pub(super) const MEANINGS: &str = "Exit codes: 0 ok · 1 failed · 2 usage · 3 not found · 4 refused · \
69 unreachable · 78 configuration";

impl ExitCode {
    /// The number the shell sees.
    pub fn number(self) -> i32 {
        i32::from(self.byte())
    }

    fn byte(self) -> u8 {
        match self {
            ExitCode::Ok => 0,
            ExitCode::Failed => 1,
            ExitCode::Usage => 2,
            ExitCode::NotFound => 3,
            ExitCode::Refused => 4,
            ExitCode::Unreachable => 69,
            ExitCode::Config => 78,
        }
    }

    /// What the status of an answer that is not good means.
    pub(super) fn of_status(status: u16) -> Self {
        match status {
            404 | 410 => ExitCode::NotFound,
            429 | 502..=504 => ExitCode::Unreachable,
            400..=499 => ExitCode::Refused,
            _ => ExitCode::Failed,
        }
    }
}

impl From<ExitCode> for std::process::ExitCode {
    fn from(code: ExitCode) -> Self {
        Self::from(code.byte())
    }
}

/// What stands before the cause in an error's text.
impl fmt::Display for ExitCode {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(match self {
            ExitCode::Ok => "done",
            ExitCode::Failed => "it failed",
            ExitCode::Usage => "the command cannot be understood",
            ExitCode::NotFound => "not found",
            ExitCode::Refused => "refused",
            ExitCode::Unreachable => "the service cannot be reached",
            ExitCode::Config => "the settings cannot be used",
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ALL: [ExitCode; 7] = [
        ExitCode::Ok,
        ExitCode::Failed,
        ExitCode::Usage,
        ExitCode::NotFound,
        ExitCode::Refused,
        ExitCode::Unreachable,
        ExitCode::Config,
    ];

    #[test]
    fn the_numbers_are_the_documented_ones() {
        assert_eq!(ALL.map(ExitCode::number), [0, 1, 2, 3, 4, 69, 78]);
        for code in ALL {
            assert!(MEANINGS.contains(&format!(" {} ", code.number())), "{code} is missing in the help");
        }
        assert!(include_str!("../../../../docs/operate.md").contains(MEANINGS), "docs/operate.md has others");
    }

    #[test]
    fn a_status_says_how_the_command_ended() {
        let table = [
            (ExitCode::Refused, &[400, 401, 403, 409, 413, 415, 422][..]),
            (ExitCode::NotFound, &[404, 410]),
            (ExitCode::Unreachable, &[429, 502, 503, 504]),
            (ExitCode::Failed, &[301, 500]),
        ];
        for (code, statuses) in table {
            for status in statuses {
                assert_eq!(ExitCode::of_status(*status), code, "{status}");
            }
        }
    }
}
