//! `tubeatlas token`

use std::process::ExitCode;

use clap::{Subcommand, ValueEnum};
use serde_json::json;

use super::Context;
use crate::error::AppError;
use crate::http::access;

#[derive(Debug, Subcommand)]
pub(super) enum Token {
    /// Make a token, show it once, and show what lets it in; nothing is kept
    Create {
        /// By which name the log knows it, as that of who has it
        #[arg(long)]
        name: String,
        /// What it allows
        #[arg(long, value_enum, default_value_t = Scope::Read)]
        scope: Scope,
    },
}

#[derive(Debug, Clone, Copy, ValueEnum)]
pub(super) enum Scope {
    /// To read the catalogue
    Read,
    /// To read and to change it
    Write,
}

impl Token {
    pub(super) fn run(self, context: &Context<'_>) -> Result<ExitCode, AppError> {
        let Self::Create { name, scope } = self;
        let scope = match scope {
            Scope::Read => access::Scope::Read,
            Scope::Write => access::Scope::Write,
        };
        let (new, token) = access::Token::generate(&name, scope).map_err(AppError::Token)?;
        let (scope, sha256) = (scope.as_str(), token.sha256());
        let json = json!({"token": new.secret(), "name": name, "scope": scope, "sha256": sha256});
        // The token alone, so that it can be taken over by a shell.
        context.output.show(&json, |_| new.secret().to_owned())?;
        context.output.note(&format!(
            "This token is not shown again. What lets it in, in the service's tubeatlas.toml:\n\n\
             [[serve.tokens]]\nname = \"{name}\"\nscope = \"{scope}\"\nsha256 = \"{sha256}\"\n\n\
             or in its environment, with commas between several:\n\n\
             TUBEATLAS_SERVE_TOKENS={name}:{scope}:{sha256}\n"
        ));
        Ok(ExitCode::SUCCESS)
    }
}
